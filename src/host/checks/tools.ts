import { readFile } from 'node:fs/promises';
import { qemuNames } from '../../tools/qemu-system.ts';
import { findProgram } from '../programs.ts';
import { asRoot, type Check } from './check.ts';

/** A program vmkiln runs, under any of its names, and the package that brings it. */
export type Tool = { programs: readonly string[]; apt: string; dnf: string };

const tool = (program: string, apt: string, dnf = apt): Tool => ({ programs: [program], apt, dnf });

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
  tool('xorriso', 'xorriso'),
];

/** What making practice media runs. */
export const practiceTools: readonly Tool[] = [
  tool('mmdebstrap', 'mmdebstrap'),
  tool('rpmbuild', 'rpm', 'rpm-build'),
  tool('createrepo_c', 'createrepo-c', 'createrepo_c'),
  tool('mksquashfs', 'squashfs-tools'),
  tool('cpio', 'cpio'),
];

/** What only Windows images need: swtpm for those with a TPM, ntfs-3g for libguestfs to write their disks. */
export const windowsTools: readonly Tool[] = [
  tool('swtpm', 'swtpm'),
  // libvirt makes the TPM's state with it.
  tool('swtpm_setup', 'swtpm-tools'),
  tool('ntfs-3g', 'ntfs-3g'),
];

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
export function installCommand(manager: PackageManager, packages: readonly string[]): string | undefined {
  const names = [...new Set(packages)].join(' ');
  if (manager === 'apt') return asRoot(`apt-get install --no-install-recommends ${names}`);
  return manager === 'dnf' ? asRoot(`dnf install ${names}`) : undefined;
}

/** Looks for the programs of all lists. */
export async function checkTools(manager: PackageManager): Promise<Check[]> {
  const lists = [buildTools, practiceTools, windowsTools];
  const [build = [], practice = [], windows = []] = await Promise.all(lists.map(missingOf));
  return [
    toolsCheck({ id: 'tools', title: 'Tools', tools: buildTools, missing: build, manager, status: 'fail' }),
    toolsCheck({
      id: 'practice-tools',
      title: 'Practice media',
      tools: practiceTools,
      missing: practice,
      manager,
      status: 'warn',
    }),
    toolsCheck({
      id: 'windows-tools',
      title: 'Windows images',
      tools: windowsTools,
      missing: windows,
      manager,
      status: 'warn',
    }),
  ];
}

async function missingOf(tools: readonly Tool[]): Promise<Tool[]> {
  const found = await Promise.all(tools.map((one) => findProgram(one.programs)));
  return tools.filter((_, index) => found[index] === undefined);
}

/** The finding about a list of tools; `status` is what a missing one means. */
export function toolsCheck(input: {
  id: string;
  title: string;
  tools: readonly Tool[];
  missing: readonly Tool[];
  manager: PackageManager;
  status: 'warn' | 'fail';
}): Check {
  const { id, title, tools, missing, manager } = input;
  if (missing.length === 0) return { id, title, status: 'ok', detail: `all ${tools.length} programs are here` };
  const fix = installCommand(
    manager,
    missing.map((one) => (manager === 'dnf' ? one.dnf : one.apt)),
  );
  const detail = `missing: ${missing.map((one) => one.programs[0]).join(', ')}`;
  return { id, title, status: input.status, detail, ...(fix !== undefined && { fix }) };
}
