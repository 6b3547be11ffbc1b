import { readFile } from 'node:fs/promises';
import type { Env, World } from '../../model.ts';
import { qemuNames } from '../../tools/qemu-system.ts';
import { findProgram } from '../programs.ts';
import { asRoot, type Check } from './check.ts';

/** The name of a package for each package manager. */
export type Package = { apt: string; dnf: string };

/** A program vmkiln runs, under any of its names, and the package that has it. */
export type Tool = Package & { programs: readonly string[] };

/** Programs that belong together: the finding about them, and what a missing one means. */
export type ToolList = { id: string; title: string; tools: readonly Tool[]; status: 'warn' | 'fail' };

/** A program whose package may be called otherwise with dnf. */
export const tool = (program: string, apt: string, dnf = apt): Tool => ({ programs: [program], apt, dnf });

/** What every build runs. scripts/packages.apt and scripts/packages.dnf list the same packages. */
export const buildTools: readonly Tool[] = [
  { programs: qemuNames, apt: 'qemu-system-x86', dnf: 'qemu-kvm' },
  tool('qemu-img', 'qemu-utils', 'qemu-img'),
  tool('virsh', 'libvirt-clients', 'libvirt-client'),
  tool('virt-install', 'virtinst', 'virt-install'),
  tool('osinfo-query', 'libosinfo-bin', 'libosinfo'),
  tool('virt-customize', 'guestfs-tools'),
  tool('virt-sysprep', 'guestfs-tools'),
  tool('virt-sparsify', 'guestfs-tools'),
  tool('guestfish', 'libguestfs-tools', 'libguestfs'),
  tool('xorriso', 'xorriso'),
  tool('ssh', 'openssh-client', 'openssh-clients'),
  tool('ssh-keygen', 'openssh-client', 'openssh-clients'),
];

/** What making practice media runs. */
export const practiceTools: readonly Tool[] = [
  tool('mmdebstrap', 'mmdebstrap'),
  tool('rpmbuild', 'rpm', 'rpm-build'),
  tool('createrepo_c', 'createrepo-c', 'createrepo_c'),
  tool('mksquashfs', 'squashfs-tools'),
  tool('cpio', 'cpio'),
];

/** What a guest's TPM is emulated with; libvirt makes the TPM's state with swtpm_setup. */
export const tpmTools: readonly Tool[] = [tool('swtpm', 'swtpm'), tool('swtpm_setup', 'swtpm-tools')];

export type PackageManager = 'apt' | 'dnf' | undefined;

/** The package manager of this host, as far as vmkiln knows it. */
export async function packageManager(): Promise<PackageManager> {
  return managerOf(await readFile('/etc/os-release', 'utf8').catch(() => ''));
}

/**
 * The package manager of a distribution, from its os-release(5). Which commands exist would not tell: mmdebstrap
 * brings apt to Fedora, and Debian has a package of dnf.
 */
export function managerOf(osRelease: string): PackageManager {
  const ids = new Set(
    [...osRelease.matchAll(/^ID(?:_LIKE)?="?([^"\n]*)"?$/gm)].flatMap((match) => match[1]?.split(' ') ?? []),
  );
  if (ids.has('debian') || ids.has('ubuntu')) return 'apt';
  return ids.has('fedora') || ids.has('rhel') ? 'dnf' : undefined;
}

/** The command that installs packages. Undefined for a package manager vmkiln does not know. */
export function installCommand(manager: PackageManager, packages: readonly Package[]): string | undefined {
  if (manager === undefined) return undefined;
  const names = [...new Set(packages.map((each) => each[manager]))].join(' ');
  return asRoot(`${manager === 'apt' ? 'apt-get install --no-install-recommends' : 'dnf install'} ${names}`);
}

/** Looks for the programs that every build and practice media need, and for `more`. */
export async function checkTools(manager: PackageManager, more: readonly ToolList[], env: Env): Promise<Check[]> {
  const lists: ToolList[] = [
    { id: 'tools', title: 'Tools', tools: buildTools, status: 'fail' },
    { id: 'practice-tools', title: 'Practice media', tools: practiceTools, status: 'warn' },
    ...more,
  ];
  return Promise.all(
    lists.map(async (list) => toolsCheck({ ...list, missing: await missingOf(list.tools, env), manager })),
  );
}

/** What to do when practice media could not be made. */
export async function practiceHint({ env }: World): Promise<string> {
  return practiceHintFor(await missingOf([...buildTools, ...practiceTools], env), await packageManager());
}

/** The same for the programs that are missing. */
export function practiceHintFor(missing: readonly Tool[], manager: PackageManager): string {
  if (missing.length === 0) return 'making them needs a Debian mirror that can be reached';
  const fix = installCommand(manager, missing) ?? 'install the packages that have them';
  return `making them needs programs that are not installed (${programNames(missing)}): ${fix}`;
}

function programNames(tools: readonly Tool[]): string {
  return tools.map(({ programs }) => programs[0]).join(', ');
}

async function missingOf(tools: readonly Tool[], env: Env): Promise<Tool[]> {
  const found = await Promise.all(tools.map((one) => findProgram(one.programs, env)));
  return tools.filter((_, index) => found[index] === undefined);
}

/** The finding about a list of tools. */
export function toolsCheck(input: ToolList & { missing: readonly Tool[]; manager: PackageManager }): Check {
  const { id, title, tools, missing, manager } = input;
  if (missing.length === 0) return { id, title, status: 'ok', detail: `all ${tools.length} programs are here` };
  const fix = installCommand(manager, missing);
  const detail = `missing: ${programNames(missing)}`;
  return { id, title, status: input.status, detail, ...(fix !== undefined && { fix }) };
}
