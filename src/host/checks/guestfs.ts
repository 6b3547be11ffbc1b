import { constants } from 'node:fs';
import { access, readFile, readdir } from 'node:fs/promises';
import { asRoot, type Check } from './check.ts';
import { installCommand, type PackageManager } from './tools.ts';

/** Checks what libguestfs needs for its appliance, beyond its tools. */
export async function checkGuestfs(manager: PackageManager): Promise<Check[]> {
  const [kernel, xfs, resolver] = await Promise.all([checkKernel(manager), checkXfs(manager), checkResolver()]);
  return [kernel, xfs, resolver];
}

/** supermin(1) takes a kernel of the host from /boot or /lib/modules; Ubuntu makes them readable to root alone. */
async function checkKernel(manager: PackageManager): Promise<Check> {
  const base = { id: 'guestfs-kernel', title: 'Appliance kernel' };
  const kernels = [
    ...(await list('/boot')).filter((name) => name.startsWith('vmlinuz-')).map((name) => `/boot/${name}`),
    ...(await list('/lib/modules')).map((name) => `/lib/modules/${name}/vmlinuz`),
  ];
  const states = await Promise.all(
    kernels.map((path) =>
      access(path, constants.R_OK).then(
        () => 'readable',
        (error: NodeJS.ErrnoException) => (error.code === 'EACCES' ? 'forbidden' : 'absent'),
      ),
    ),
  );
  const readable = kernels[states.indexOf('readable')];
  if (readable !== undefined) return { ...base, status: 'ok', detail: readable };
  const forbidden = kernels[states.indexOf('forbidden')];
  if (forbidden !== undefined) {
    const fix = asRoot(`chmod 0644 ${forbidden}`);
    return { ...base, status: 'fail', detail: `${forbidden} cannot be read by this user`, fix };
  }
  const fix = installCommand(manager, [{ apt: 'linux-image-amd64', dnf: 'kernel-core' }]);
  const detail = 'there is no kernel in /boot or /lib/modules, and libguestfs boots one';
  return { ...base, status: 'fail', detail, ...(fix !== undefined && { fix }) };
}

/** XFS is a package of its own, which Debian only recommends; without it a RHEL guest's root cannot be mounted. */
async function checkXfs(manager: PackageManager): Promise<Check> {
  const base = { id: 'guestfs-xfs', title: 'XFS in libguestfs' };
  const folders = ['/usr/lib/x86_64-linux-gnu/guestfs', '/usr/lib/aarch64-linux-gnu/guestfs', '/usr/lib64/guestfs'];
  const names = await Promise.all(folders.map((folder) => list(`${folder}/supermin.d`)));
  if (names.flat().some((name) => name.endsWith('packages-xfs'))) return { ...base, status: 'ok', detail: 'installed' };
  const fix = installCommand(manager, [{ apt: 'libguestfs-xfs', dnf: 'libguestfs-xfs' }]);
  const detail = 'not installed: filesystems of RHEL guests could not be changed or grown';
  return { ...base, status: 'fail', detail, ...(fix !== undefined && { fix }) };
}

/** The appliance copies resolv.conf; a resolver on the host's loopback is out of its reach. */
async function checkResolver(): Promise<Check> {
  const base = { id: 'resolver', title: 'Resolver' };
  const servers = nameservers(await readFile('/etc/resolv.conf', 'utf8').catch(() => ''));
  if (servers.length === 0 || servers.some((server) => !isLoopback(server))) {
    return { ...base, status: 'ok', detail: servers.length === 0 ? 'none configured' : 'can be used by appliances' };
  }
  return {
    ...base,
    status: 'warn',
    detail: `${servers.join(', ')} is on this host's loopback, so virt-customize finds no name in the network`,
    ...(servers.includes('127.0.0.53') && {
      fix: asRoot('ln -sf /run/systemd/resolve/resolv.conf /etc/resolv.conf'),
    }),
  };
}

/** The `nameserver` addresses of resolv.conf(5). */
export function nameservers(text: string): string[] {
  return [...text.matchAll(/^\s*nameserver\s+(\S+)/gm)].flatMap((match) => match[1] ?? []);
}

function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.');
}

async function list(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}
