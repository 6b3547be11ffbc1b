import type { MachineNeeds } from '../../model.ts';
import { machineAbilities, machineFault } from '../machine.ts';
import type { Check } from './check.ts';
import type { PackageManager } from './tools.ts';

const all: MachineNeeds = { uefi: true, secureBoot: true, tpm: true };

/** Whether machines can have UEFI, Secure Boot and a TPM; what no recipe asks for is only worth knowing. */
export async function checkMachine(
  connect: string,
  wanted: MachineNeeds | undefined,
  manager: PackageManager,
  signal: AbortSignal,
): Promise<Check> {
  const given = await machineAbilities(connect, signal).catch(() => undefined);
  signal.throwIfAborted();
  return machineCheck(wanted, given, manager);
}

/** The finding about what libvirt offers a machine; `given` is undefined when it does not say. */
export function machineCheck(
  wanted: MachineNeeds | undefined,
  given: MachineNeeds | undefined,
  manager: PackageManager,
): Check {
  const base = { id: 'firmware', title: 'UEFI and TPM' };
  if (given === undefined) return { ...base, status: 'warn', detail: 'unknown: libvirt does not say' };
  const needed = wanted && machineFault(wanted, given, manager);
  const fault = needed ?? machineFault(all, given, manager);
  if (!fault) return { ...base, status: 'ok', detail: 'UEFI, Secure Boot and an emulated TPM 2.0' };
  const { missing, fix } = fault;
  return {
    ...base,
    status: needed ? 'fail' : 'warn',
    detail: needed ? `the recipe needs ${missing}` : `missing: ${missing}`,
    ...(fix !== undefined && { fix }),
  };
}
