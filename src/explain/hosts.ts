import type { KnownFailure } from './failure.ts';
import { libvirtFailures } from './libvirt.ts';

// QEMU on the host, and what ends its programs. The words are those of QEMU's accel/kvm, block/, util/ and qemu-img.c.

const anywhere = ['host', 'guest'] as const;

const qemuFailures: readonly KnownFailure[] = [
  {
    id: 'qemu.kvm',
    title: 'KVM cannot be used',
    logs: anywhere,
    // With accel=kvm:tcg it goes on without.
    match: [
      /Could not access KVM kernel module: (?<why>.+)(?!(?:\n.*)?\n.*falling back to tcg)(?=\n|$)/,
      /failed to initialize kvm: (?<why>.+)(?!\n.*falling back to tcg)(?=\n|$)/i,
    ],
    cause: 'QEMU cannot use KVM: {why}',
    remedy: 'add the user that runs QEMU to the group kvm, load the module, or see what `vmkiln doctor` says of KVM',
    source: 'qemu accel/kvm/kvm-all.c; hashicorp/nomad#650',
  },
  {
    id: 'qemu.lock',
    title: 'Another program uses the disk',
    logs: anywhere,
    match: [/Failed to get (?:shared )?"[\w ]+" lock/],
    cause: 'another program has the disk image open',
    remedy: 'end the virtual machine or the tool that uses it (`fuser FILE` names it), and build again',
    source: 'qemu block/file-posix.c raw_check_lock_bytes',
  },
  {
    id: 'qemu.memory',
    title: 'The host has too little memory for the guest',
    logs: anywhere,
    match: [/cannot set up guest memory '[^']*': Cannot allocate memory/],
    cause: 'the host has too little free memory for the guest',
    remedy: 'lower `machine.memory`, build fewer images at once (`--jobs`), or end what else takes memory',
    source: 'qemu util/oslib-posix.c, system/physmem.c',
  },
  {
    id: 'qemu.backing',
    title: 'A disk stands on a file that is gone',
    logs: anywhere,
    match: [/Could not open backing file: (?<why>.+)/],
    cause: 'a disk image stands on another file that cannot be opened: {why}',
    remedy: 'was the cache moved or emptied by hand? Build with `--no-cache`, which needs no earlier checkpoint',
    source: 'qemu block.c bdrv_open_backing_file',
  },
  {
    id: 'qemu.corrupt',
    title: 'A disk image is damaged',
    logs: anywhere,
    match: [/qcow2: Marking image as corrupt|Image is corrupt; cannot be opened read\/write/],
    cause: 'a disk image is damaged',
    remedy: 'look at the disk of the host (`dmesg`), and build with `--no-cache`',
    source: 'qemu block/qcow2.c qcow2_signal_corruption',
  },
  {
    id: 'qemu.format',
    title: 'A file is not in the format that it is said to have',
    logs: anywhere,
    match: [/Could not open '(?<file>[^']+)': Image is not in (?<format>\w+) format/],
    cause: '{file} is not in {format} format',
    remedy: 'look at it with `vmkiln inspect`; a download may have left an error page in its place',
    source: 'qemu block/qcow2.c qcow2_do_open',
  },
  {
    id: 'qemu.open',
    title: 'A disk image cannot be opened',
    logs: anywhere,
    match: [/Could not open '(?<file>[^']+)': (?<why>Permission denied|No such file or directory)/],
    cause: '{file} cannot be opened: {why}',
    remedy:
      'under the system libvirt QEMU is another user: keep media and VMKILN_HOME where everybody may pass, not below a home folder of mode 0700',
    source: 'qemu block/file-posix.c; cockpit-project/cockpit-machines#1245',
  },
  {
    id: 'qemu.rom',
    title: 'A file of QEMU is not installed',
    logs: anywhere,
    match: [/failed to find romfile "(?<file>[^"]+)"/, /could not load PC BIOS '(?<file>[^']+)'/],
    cause: 'QEMU lacks a file that comes in a package of its own: {file}',
    remedy:
      'install ipxe-qemu (Debian) or ipxe-roms-qemu (Fedora, RHEL) for a card, seabios (seabios-bin) for the BIOS',
    source: 'qemu hw/pci/pci.c pci_add_option_rom, hw/i386/x86-common.c',
  },
  {
    id: 'qemu.port',
    title: 'A port of this host is taken',
    logs: anywhere,
    match: [/Failed to (?:find an available port|bind socket): Address already in use/],
    cause: 'QEMU cannot listen where it should: another program has the port',
    remedy:
      'build again; another guest on this host may have a fixed port for its screen (`ss -lntp` names the program)',
    source: 'qemu util/qemu-sockets.c inet_listen_saddr',
  },
  {
    id: 'qemu.read-write',
    title: 'The disk of the host fails',
    logs: anywhere,
    match: [/error while (?<what>reading|writing) at byte \d+: Input\/output error/],
    cause: 'the host fails at {what} a disk image',
    remedy: 'look at the disk of the host (`dmesg`, `smartctl -a`)',
    source: 'qemu qemu-img.c convert_do_copy',
  },
  {
    id: 'host.disk-full',
    title: 'A disk is full',
    logs: anywhere,
    match: [/No space left on device/, /Disk quota exceeded/],
    cause: 'a disk is full, or a quota used up',
    remedy:
      'on the host `vmkiln clean --cache` makes room, or VMKILN_HOME moves it; if it was the disk of the guest, raise `disk.size`',
    source: 'errno(3) ENOSPC, EDQUOT',
    isGeneral: true,
  },
];

const killedFailures: readonly KnownFailure[] = [
  {
    id: 'libvirt.destroyed',
    title: 'The virtual machine was ended from outside',
    logs: ['message'],
    match: [/the guest ended as "shut off \((?<how>destroyed|crashed)\)" while (?<phase>.+)/],
    cause: 'the virtual machine was ended from outside ({how}) while {phase}',
    remedy:
      'somebody may have used virsh destroy; else see `journalctl -k` for "Out of memory", and /var/log/libvirt/qemu for the reason',
    source: 'libvirt virDomainShutoffReason',
  },
  {
    id: 'host.killed',
    title: 'A program was killed',
    logs: ['message'],
    match: [/(?<program>\S+) was killed by (?<signal>SIG\w+)/],
    cause: 'something on this host killed {program} ({signal})',
    remedy: 'see `journalctl -k` for "Out of memory": build fewer images at once (`--jobs`)',
    source: 'signal(7)',
    isGeneral: true,
  },
];

export const hostFailures: readonly KnownFailure[] = [...qemuFailures, ...libvirtFailures, ...killedFailures];
