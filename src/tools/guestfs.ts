import type { Arg, Command, Host } from '../model.ts';

/**
 * libguestfs settings that depend on the host. `direct` because the libvirt back end puts the appliance out of reach
 * of a kill; `force_tcg` because without it every tool dies at once where /dev/kvm is there but useless;
 * `vsyscall=emulate` because the programs of old guests (RHEL 6) crash without it. See guestfs(3).
 */
export function environment(host: Pick<Host, 'accelerator'>): Record<string, string> {
  return {
    LIBGUESTFS_BACKEND: 'direct',
    LIBGUESTFS_APPEND: 'vsyscall=emulate',
    ...(host.accelerator === 'tcg' ? { LIBGUESTFS_BACKEND_SETTINGS: 'force_tcg' } : {}),
  };
}

/** virt-customize(1) on one disk. */
export function virtCustomize(disk: Arg, args: readonly Arg[], host: Host): Command {
  return { program: 'virt-customize', args: ['-a', disk, ...args], timeout: 4 * 3600, env: environment(host) };
}

/** virt-sysprep(1) on one disk. */
export function virtSysprep(disk: Arg, args: readonly Arg[], host: Host): Command {
  return { program: 'virt-sysprep', args: ['-a', disk, ...args], timeout: 3600, env: environment(host) };
}

/** virt-sparsify(1) in place: trims the filesystems, needs no temporary space. */
export function virtSparsify(disk: Arg, host: Host): Command {
  return { program: 'virt-sparsify', args: ['--in-place', disk], timeout: 3600, env: environment(host) };
}

/** What a guestfs tool says it is doing: "[  12.3] Running: packages.sh" gives "Running: packages.sh". */
export function guestfsProgress(line: string): string | undefined {
  return /^\[\s*[\d.]+\]\s+(.+)$/.exec(line)?.[1];
}
