import type { KnownFailure } from './failure.ts';

// libvirt and virt-install on the host. The words are those of libvirt's src/qemu, src/rpc, src/util and src/conf, and of
// virt-manager's virtinst/.

const logs = ['host'] as const;

export const libvirtFailures: readonly KnownFailure[] = [
  {
    id: 'libvirt.no-daemon',
    title: 'libvirt does not answer',
    logs,
    match: [
      /Failed to connect socket to '(?<socket>[^']+)': (?<why>.+)/,
      /authentication unavailable: (?<why>no polkit agent.*)/,
    ],
    cause: 'libvirt does not answer[ at {socket}]: {why}',
    remedy: 'start libvirtd, or its socket, and be in the group libvirt; `vmkiln doctor` says which connection works',
    source: 'libvirt src/rpc/virnetsocket.c, src/util/virpolkit.c',
  },
  {
    id: 'libvirt.storage-access',
    title: "QEMU's user may not read a file",
    logs,
    match: [
      /Cannot access (?:storage|backing) file '(?<file>[^']+)'(?: of storage file '[^']+')?(?: \(as uid:(?<uid>\d+), gid:\d+\))?: Permission denied/,
    ],
    cause: "QEMU's user[ (uid {uid})] may not read {file}",
    remedy:
      'keep media and VMKILN_HOME where everybody may pass (mode 0711 on each folder above), not below a private home folder',
    source: 'libvirt src/storage_file/storage_source.c; virt-manager/virt-manager#266',
  },
  {
    id: 'libvirt.no-kvm',
    title: 'libvirt knows no KVM on this host',
    logs,
    match: [
      /does not support (?:domain|virt) type '?kvm|[Hh]ost does not support .*domain type kvm|could not get preferred machine for \S+ type=kvm/,
    ],
    cause: 'libvirt finds no KVM on this host',
    remedy:
      'switch virtualization on in the firmware, or nested virtualization on at the host above; `vmkiln doctor` says what is missing',
    source: 'libvirt src/qemu/qemu_capabilities.c; virtinst/guest.py',
  },
  {
    id: 'libvirt.cpu',
    title: 'The host lacks what the processor of the guest should have',
    logs,
    match: [/Host CPU does not provide required features: (?<features>.+)/, /Unknown CPU model (?<features>.+)/],
    cause: 'the host lacks what the processor of the guest should have: {features}',
    remedy: 'build on a newer host: RHEL 9 needs x86-64-v2, RHEL 10 x86-64-v3',
    source: 'libvirt src/cpu/cpu_x86.c',
  },
  {
    id: 'libvirt.name',
    title: 'A guest of that name is there',
    logs,
    match: [/Guest name '(?<name>[^']+)' is already in use/, /domain '(?<name>[^']+)' already exists with uuid/],
    cause: 'libvirt has a guest {name} already',
    remedy: '`vmkiln clean` removes what dead builds left',
    source: 'virtinst/guest.py; libvirt src/conf/virdomainobjlist.c',
  },
  {
    id: 'libvirt.medium',
    title: 'The medium is no installation tree',
    logs,
    match: [
      /Couldn't find kernel for install tree/,
      /Could not find an installable distribution at (?:URL )?'?(?<medium>[^'\n]+)/,
      /Validating install media '(?<medium>[^']+)' failed/,
    ],
    cause: 'virt-install finds no installer on the medium[: {medium}]',
    remedy: 'use the complete DVD of the release (not a boot, live or supplementary ISO), and check its SHA-256',
    source: 'virtinst/install/installertreemedia.py, urldetect.py',
  },
  {
    id: 'libvirt.osinfo',
    title: 'osinfo-db does not know the system',
    logs,
    match: [
      /Unknown OS name '(?<name>[^']+)'/,
      /--os-variant\/--osinfo OS name is required, but no value was\s+set or detected(?<name>)/,
    ],
    cause: 'the osinfo-db of this host does not know the system[: {name}]',
    remedy: 'update the package osinfo-db, and remove what `vmkiln doctor` says is stale',
    source: 'virtinst/osdict.py',
  },
  {
    id: 'libvirt.network',
    title: 'A network of libvirt is not there',
    logs,
    match: [/[Nn]etwork '(?<network>[^']+)' is not active/, /no network with matching name '(?<network>[^']+)'/],
    cause: 'the network {network} of libvirt is not there, or not started',
    remedy: 'virsh net-start {network}, and virsh net-autostart {network}',
    source: 'libvirt src/network/bridge_driver.c',
  },
  {
    id: 'libvirt.bridge',
    title: 'A bridge is not there',
    logs,
    match: [/(?:Cannot get interface MTU on|Unable to get index for interface) '?(?<bridge>[\w.-]+)'?: No such device/],
    cause: 'this host has no bridge {bridge}',
    remedy:
      'start the network of libvirt that makes it (`virsh net-start default`), or use qemu:///session, which needs none',
    source: 'libvirt src/util/virnetdev.c',
  },
  {
    id: 'libvirt.tap',
    title: 'libvirt may not make network cards',
    logs,
    match: [/Unable to create tap device \S+: (?<why>.+)/, /Unable to open \/dev\/net\/tun[^:\n]*: (?<why>.+)/],
    cause: 'libvirt cannot make a network card for the guest: {why}',
    remedy: 'use the system libvirt, or the user-mode network; a container needs /dev/net/tun and NET_ADMIN',
    source: 'libvirt src/util/virnetdevtap.c virNetDevTapCreate',
  },
  {
    id: 'libvirt.owner',
    title: 'libvirt may not give a file to QEMU',
    logs,
    match: [/unable to set user and group to '(?<owner>[\d:]+)' on '(?<file>[^']+)': (?<why>.+)/],
    cause: 'libvirt cannot give {file} to the user that runs QEMU ({owner}): {why}',
    remedy: 'keep VMKILN_HOME on a local disk: NFS with root_squash, and some FUSE mounts, refuse it',
    source: 'libvirt src/security/security_dac.c',
  },
  {
    id: 'libvirt.machine',
    title: 'QEMU does not know the machine',
    logs,
    match: [/Emulator '(?<emulator>[^']+)' does not support machine type '(?<machine>[^']+)'/],
    cause: 'the QEMU of this host has no machine {machine}',
    remedy: 'install a newer QEMU, or let libvirt choose the machine; a restart of libvirtd reads its list anew',
    source: 'libvirt src/qemu/qemu_postparse.c',
  },
  {
    id: 'libvirt.firmware',
    title: 'The host has no UEFI firmware for guests',
    logs,
    match: [
      /Unable to find any firmware to satisfy '(?<what>[^']+)'/,
      /Did not find any UEFI binary path for arch '(?<what>[^']+)'/,
    ],
    cause: 'the host has no UEFI firmware for guests ({what})',
    remedy: 'install OVMF (Debian: ovmf, Fedora and RHEL: edk2-ovmf)',
    source: 'libvirt src/qemu/qemu_firmware.c; virtinst/domcapabilities.py',
  },
  {
    id: 'libvirt.tpm',
    title: 'The host has no emulated TPM',
    logs,
    match: [/Unable to find '?swtpm(?:_setup)?'?|TPM version '2\.0' is not supported/],
    cause: 'the host has no swtpm, which the emulated TPM needs',
    remedy: 'install swtpm and swtpm-tools, or set `machine.tpm` to false where the release allows it',
    source: 'libvirt src/util/virtpm.c, src/qemu/qemu_tpm.c',
  },
  {
    id: 'libvirt.apparmor',
    title: 'AppArmor has no profile for the guest',
    logs,
    match: [/cannot load AppArmor profile '(?<profile>[^']+)'/],
    cause: 'libvirt cannot load the AppArmor profile of the guest ({profile})',
    remedy:
      'see `journalctl -k | grep DENIED`; install apparmor completely, or set security_driver = "none" in /etc/libvirt/qemu.conf',
    source: 'libvirt src/security/security_apparmor.c',
  },
  {
    id: 'libvirt.gone',
    title: 'libvirt went away',
    logs,
    match: [
      /End of file while reading data: Input\/output error|Disconnected from \S+ due to (?:end of file|keepalive timeout|I\/O error)/,
    ],
    cause: 'libvirtd ended, or was restarted, while the guest ran',
    remedy:
      'see `journalctl -u libvirtd` (or virtqemud) for the reason, and let nothing restart it while images are built',
    source: 'libvirt src/rpc/virnetsocket.c, tools/virsh.c; users of virt-install',
    isGeneral: true,
  },
  {
    id: 'libvirt.start',
    title: 'QEMU did not start',
    logs,
    match: [/(?:qemu unexpectedly closed the monitor|process exited while connecting to monitor)(?:: (?<why>.+))?/],
    cause: 'QEMU ended as soon as libvirt started it[: {why}]',
    remedy: 'its own log is /var/log/libvirt/qemu/ with the name of the domain',
    source: 'libvirt src/qemu/qemu_process.c qemuProcessReportLogError; networkop/docker-topo#25',
    isGeneral: true,
  },
];
