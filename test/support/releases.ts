/** What a finished image of a release holds. The recipe is the shipped one of the same name. */
export type Expected = {
  name: string;
  osinfo: string;
  /** Bytes. */
  size: number;
  /** Files that hold the arguments of kernels, and the lines of theirs that do. */
  kernels: { file: string; lines: RegExp }[];
  kernelArguments: string;
  /** Whether each kernel has an entry, whose name begins with the machine-id. */
  entries: boolean;
  /** Files and their whole text. */
  files: Record<string, string>;
  /** Lines that a file has once, and no other that sets the same. */
  once: Record<string, string>;
  absent: string[];
};

/** Names that the practice installer gives its machine, and that each clone makes for itself. */
export const namesOfMachine: Readonly<Record<string, RegExp>> = {
  '/etc/iscsi/initiatorname.iscsi': /^InitiatorName=iqn\.1994-05\.com\.redhat:[0-9a-f]{12}\n$/,
  '/etc/nvme/hostnqn': /^nqn\.2014-08\.org\.nvmexpress:uuid:[0-9a-f-]{36}\n$/,
  '/etc/nvme/hostid': /^[0-9a-f-]{36}\n$/,
};

const gib = 1024 ** 3;
const consoles = 'console=tty0 console=ttyS0,115200n8';
const connection =
  '[connection]\nid=eth0\ntype=ethernet\ninterface-name=eth0\nautoconnect=true\n\n[ipv4]\nmethod=auto\n\n[ipv6]\nmethod=auto\n';
const initscripts = 'TYPE=Ethernet\nDEVICE=eth0\nONBOOT=yes\nBOOTPROTO=dhcp\nNM_CONTROLLED=no\n';

/** One for each release that has practice media, besides RHEL 7, which has tests of its own. */
export const expectedReleases: readonly Expected[] = [
  {
    name: 'rhel6',
    osinfo: 'rhel6.10',
    size: 4 * gib,
    kernels: [{ file: '/boot/grub/grub.conf', lines: /^\s*kernel\s/ }],
    kernelArguments: consoles,
    entries: false,
    files: {
      '/etc/sysconfig/network-scripts/ifcfg-eth0': initscripts,
      '/etc/udev/rules.d/75-persistent-net-generator.rules': '#\n',
    },
    once: { '/etc/sysconfig/network': 'NOZEROCONF=yes' },
    absent: ['/etc/machine-id', '/etc/udev/rules.d/70-persistent-net.rules', '/etc/default/grub'],
  },
  {
    name: 'rhel8',
    osinfo: 'rhel8.10',
    size: 10 * gib,
    kernels: [{ file: '/boot/grub2/grubenv', lines: /^kernelopts=/ }],
    kernelArguments: `${consoles} net.ifnames=0 biosdevname=0`,
    entries: true,
    files: {
      '/etc/sysconfig/network-scripts/ifcfg-eth0': initscripts.replace('NM_CONTROLLED=no', 'NM_CONTROLLED=yes'),
      '/etc/machine-id': '',
    },
    once: {
      '/etc/sysconfig/network': 'NOZEROCONF=yes',
      '/etc/default/grub': `GRUB_CMDLINE_LINUX_DEFAULT="${consoles}"`,
    },
    absent: ['/etc/udev/rules.d/75-persistent-net-generator.rules'],
  },
  {
    name: 'rhel9',
    osinfo: 'rhel9.6',
    size: 10 * gib,
    kernels: [
      { file: '/boot/loader/entries', lines: /^options\s/ },
      { file: '/etc/kernel/cmdline', lines: /./ },
    ],
    kernelArguments: `${consoles} net.ifnames=0 biosdevname=0`,
    entries: true,
    files: {
      '/etc/NetworkManager/system-connections/eth0.nmconnection': connection,
      '/etc/machine-id': '',
    },
    once: {
      '/etc/sysconfig/network': 'NOZEROCONF=yes',
      '/etc/default/grub': `GRUB_CMDLINE_LINUX_DEFAULT="${consoles}"`,
    },
    absent: ['/etc/sysconfig/network-scripts/ifcfg-eth0'],
  },
  {
    name: 'rhel10',
    osinfo: 'rhel10.0',
    size: 10 * gib,
    kernels: [
      { file: '/boot/loader/entries', lines: /^options\s/ },
      { file: '/etc/kernel/cmdline', lines: /./ },
    ],
    kernelArguments: `${consoles} net.ifnames=0`,
    entries: true,
    files: { '/etc/NetworkManager/system-connections/eth0.nmconnection': connection, '/etc/machine-id': '' },
    once: {
      '/etc/sysconfig/network': 'NOZEROCONF=yes',
      '/etc/default/grub': `GRUB_CMDLINE_LINUX_DEFAULT="${consoles}"`,
    },
    absent: ['/etc/sysconfig/network-scripts/ifcfg-eth0'],
  },
];
