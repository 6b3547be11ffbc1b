import type { MachineNeeds } from '../model.ts';
import { exec } from '../tools/exec.ts';
import { askAbilities, parseAbilities } from '../tools/virsh.ts';
import { installCommand, type Package, type PackageManager, tpmTools } from './checks/tools.ts';

const ovmf: Package = { apt: 'ovmf', dnf: 'edk2-ovmf' };

/** What a host may be unable to give a machine, in words for a person, and the packages that bring it. */
const abilities: Record<keyof MachineNeeds, { what: string; packages: readonly Package[] }> = {
  uefi: { what: 'firmware for UEFI', packages: [ovmf] },
  secureBoot: { what: 'firmware that is capable of Secure Boot', packages: [ovmf] },
  tpm: { what: 'an emulated TPM 2.0', packages: tpmTools },
};

/**
 * Asks libvirt which firmware and TPM it can give a machine: it looks for the firmware's descriptors and for swtpm itself.
 * Undefined when it does not say, as an old libvirt or another architecture may not.
 *
 * @throws VmkilnError TOOL_MISSING without virsh, or INTERRUPTED.
 */
export async function machineAbilities(connect: string, signal: AbortSignal): Promise<MachineNeeds | undefined> {
  const { stdout, exitCode } = await exec({ ...askAbilities(connect), signal });
  return exitCode === 0 ? parseAbilities(stdout) : undefined;
}

/** What is wanted and not there, on one line with the command that installs it; undefined when nothing is missing. */
export function machineFault(
  wanted: MachineNeeds,
  given: MachineNeeds,
  manager: PackageManager,
): { missing: string; fix: string | undefined } | undefined {
  const keys = (['uefi', 'secureBoot', 'tpm'] as const).filter((key) => wanted[key] && !given[key]);
  if (keys.length === 0) return undefined;
  const packages = keys.flatMap((key) => abilities[key].packages);
  return {
    missing: keys.map((key) => abilities[key].what).join(', '),
    fix: installCommand(manager, packages),
  };
}
