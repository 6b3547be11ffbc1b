import type { KnownFailure } from './failure.ts';

// libguestfs and its tools. The words are those of libguestfs's lib/ and daemon/, supermin, and mlcustomize/customize_run.ml
// of libguestfs-common.

const logs = ['guest'] as const;

export const guestfsFailures: readonly KnownFailure[] = [
  {
    id: 'guestfs.kernel-unreadable',
    title: 'The kernel of this host cannot be read',
    logs,
    match: [
      /cp: cannot open '(?<kernel>\/boot\/vmlinuz[^']+)' for reading: Permission denied/,
      /(?<kernel>\/boot\/vmlinuz\S+): Permission denied/,
    ],
    cause: 'libguestfs cannot read the kernel of this host, {kernel}, which its appliance boots',
    remedy:
      'as root: dpkg-statoverride --update --add root root 0644 {kernel} (after each new kernel), or run vmkiln as root',
    source: 'supermin; virt-manager/virt-bootstrap#9; guestfs-faq(1)',
  },
  {
    id: 'guestfs.no-appliance',
    title: 'libguestfs has no appliance',
    logs,
    match: [/cannot find any suitable libguestfs supermin, fixed or old-style appliance/],
    cause: 'libguestfs finds nothing to make its appliance of',
    remedy: 'install libguestfs completely (`vmkiln doctor` names the package), or unset LIBGUESTFS_PATH',
    source: 'libguestfs lib/appliance.c search_appliance',
  },
  {
    id: 'guestfs.no-kernel',
    title: 'This host has no kernel for the appliance',
    logs,
    match: [/supermin: failed to find a suitable kernel/],
    cause: 'libguestfs finds no kernel on this host that its appliance could boot',
    remedy:
      'install one: linux-image-amd64 (Debian), linux-image-generic (Ubuntu), kernel-core (Fedora, RHEL); containers have none',
    source: 'supermin format_ext2_kernel.ml no_kernels; users of WSL and of containers',
  },
  {
    id: 'guestfs.passt',
    title: 'The network of the appliance does not start',
    logs,
    match: [/passt exited with status (?<status>\d+)/],
    cause: 'passt, which libguestfs uses for the network of its appliance, ended with status {status}',
    remedy:
      'remove the package passt, for QEMU has a network of its own, or its AppArmor profile (`aa-disable usr.bin.passt`)',
    source: 'users of Ubuntu 24.04, and of Debian as root',
  },
  {
    id: 'guestfs.newer-file-system',
    title: 'The file system of the guest is newer than this host',
    logs,
    match: [/(?<device>\/dev\/\S+) has unsupported feature\(s\): (?<features>.+)/],
    cause: 'the file system of {device} has features that the tools of this host do not know: {features}',
    remedy: 'build on a newer host, or make the file system without them (`mkfs.ext4 -O ^FEATURE` in the kickstart)',
    source: 'e2fsprogs e2fsck/unix.c "%s has unsupported feature(s):"',
  },
  {
    id: 'guestfs.no-system',
    title: 'There is no operating system on the disk',
    logs,
    match: [/no operating systems were found in the guest image|no root device found in this operating system image/],
    cause: 'libguestfs finds no operating system on the disk',
    remedy:
      'the installation wrote none, or its file system is one that this host cannot read: for XFS install libguestfs-xfs',
    source: 'guestfs-tools customize_main.ml, sysprep/main.ml; guestfs-faq(1)',
  },
  {
    id: 'guestfs.file-system',
    title: 'A file system that this host cannot read',
    logs,
    match: [/unknown filesystem type '(?<type>[^']+)'/],
    cause: 'the appliance cannot read the file system {type}',
    remedy: 'install what libguestfs needs for it (libguestfs-xfs, ntfs-3g, btrfs-progs), and look at `vmkiln doctor`',
    source: 'libguestfs daemon/mount.c with the words of mount(8)',
  },
  {
    id: 'guestfs.ntfs-unsafe',
    title: 'Windows was not shut down',
    logs,
    match: [/Windows is hibernated, refused to mount|The NTFS partition is in an unsafe state/],
    cause: 'Windows was not shut down completely, so its disk can only be read',
    remedy: 'switch fast startup off in the guest (`powercfg /h off`) before it is shut down',
    source: 'ntfs-3g libntfs-3g/volume.c; guestfs-release-notes-1.20',
  },
  {
    id: 'guestfs.architecture',
    title: 'The guest is for another processor',
    logs,
    match: [/host cpu \((?<host>\w+)\) and guest arch \((?<guest>\w+)\) are not compatible/],
    cause: 'commands of a guest for {guest} cannot be run on a host with {host}',
    remedy: 'build on a host of that architecture, or leave out the steps that run commands in the guest',
    source: 'mlcustomize/customize_run.ml; guestfs-release-notes-1.40',
  },
  {
    id: 'guestfs.timeout',
    title: 'The appliance did not start in time',
    logs,
    match: [/appliance launch timed out/],
    cause: 'the appliance of libguestfs did not start in time',
    remedy: 'the host is very busy, or has no usable KVM (`vmkiln doctor`): build fewer images at once',
    source: 'libguestfs lib/errors.c guestfs_int_launch_timeout',
  },
  {
    id: 'guestfs.no-file',
    title: 'A step names a file that the guest does not have',
    logs,
    match: [/virt-(?:customize|sysprep): error: (?<file>\/.+?) (?:does not exist|is not a regular file) in the guest/],
    cause: 'a step works on {file}, which the guest does not have',
    remedy: 'correct its path in `customize`, or make the file in a step before',
    source: 'mlcustomize/customize_run.ml',
  },
  {
    id: 'guestfs.mount',
    title: 'A file system cannot be mounted',
    logs,
    match: [/wrong fs type, bad option, bad superblock on (?<device>[^\s,]+)/],
    cause: 'the appliance cannot mount {device}: it is damaged, or newer than the kernel of this host',
    remedy: 'an XFS of RHEL 9 or 10 needs a host whose kernel is as new; else look at it with `vmkiln shell BUILD`',
    source: 'mount(8), libmount; users of images that are newer than their host',
    isGeneral: true,
  },
  {
    id: 'guestfs.launch',
    title: 'The appliance does not start',
    logs,
    match: [
      /guestfs_launch failed|the libguestfs appliance (?:failed to start or )?crashed|supermin exited with error status/,
    ],
    cause: 'the appliance of libguestfs does not start on this host',
    remedy: 'run `libguestfs-test-tool`, which shows why, and `vmkiln doctor`',
    source: 'libguestfs lib/errors.c guestfs_int_launch_failed_error',
    isGeneral: true,
  },
  {
    id: 'guestfs.command',
    title: 'A command failed in the guest',
    logs,
    match: [/virt-(?:customize|sysprep): error: (?<command>.+?): command exited with an error/],
    cause: 'a command failed in the guest: {command}',
    remedy: 'what it said stands above this line; try it with `--on-error keep`, which leaves the disk',
    source: 'mlcustomize/customize_run.ml',
    isGeneral: true,
  },
];
