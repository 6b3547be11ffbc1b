/** Names and keys that a machine has for itself, and clones must not share. */
export type Identity = {
  what: string;
  /** Where, as shell patterns. */
  paths: readonly string[];
  /** Who makes it anew. */
  madeBy: string;
};

/** The services of Ubuntu Pro that have an archive (uaclient/entitlements), as their files of sources are called. */
const proServices = ['anbox-cloud', 'cc-eal', 'cis', 'esm-', 'fips', 'realtime-kernel', 'ros', 'usg'];

/**
 * Removed from every image, besides /etc/machine-id, which is left as an empty file (machine-id(5): `uninitialized` would have
 * presets applied anew). What lies where: systemd's "Safely Building Images", the packages of Red Hat Enterprise Linux
 * and Debian, and the documentation of NetworkManager and LVM.
 */
export const identities: readonly Identity[] = [
  {
    what: 'SSH host keys',
    paths: ['/etc/ssh/ssh_host_*key', '/etc/ssh/ssh_host_*key.pub', '/etc/ssh/ssh_host_*-cert.pub'],
    madeBy: 'sshd-keygen, cloud-init',
  },
  {
    what: 'random seeds',
    paths: [
      '/var/lib/random-seed',
      '/var/lib/systemd/random-seed',
      '/boot/loader/random-seed',
      '/boot/efi/loader/random-seed',
    ],
    madeBy: 'systemd, at shutdown',
  },
  { what: 'key of the credentials', paths: ['/var/lib/systemd/credential.secret'], madeBy: 'systemd, when needed' },
  { what: 'host id', paths: ['/etc/hostid'], madeBy: 'nobody: gethostid(3) goes by the address' },
  {
    what: 'iSCSI initiator name',
    paths: ['/etc/iscsi/initiatorname.iscsi'],
    madeBy: 'vmkiln-identity, where iscsi-iname is installed',
  },
  {
    what: 'NVMe host name and id',
    paths: ['/etc/nvme/hostnqn', '/etc/nvme/hostid'],
    madeBy: 'vmkiln-identity, where nvme is installed',
  },
  {
    what: 'LVM devices file',
    paths: ['/etc/lvm/devices/system.devices', '/etc/lvm/devices/backup/*'],
    madeBy: 'nobody: without it LVM looks at every disk',
  },
  {
    what: 'NetworkManager: key of stable addresses and DUIDs, timestamps, leases',
    paths: ['/var/lib/NetworkManager/*'],
    madeBy: 'NetworkManager',
  },
  {
    what: 'DHCP: leases and DUIDs',
    paths: [
      '/var/lib/dhclient/*',
      '/var/lib/dhcp/*',
      '/var/lib/dhcpcd/*',
      '/etc/dhcpcd.duid',
      '/etc/dhcpcd.secret',
      '/var/lib/systemd/network/*',
    ],
    madeBy: 'the client',
  },
  {
    what: 'self-signed certificate',
    paths: ['/etc/ssl/private/ssl-cert-snakeoil.key', '/etc/ssl/certs/ssl-cert-snakeoil.pem'],
    madeBy: 'vmkiln-identity, where ssl-cert is installed',
  },
  {
    what: 'Ubuntu Pro: tokens, and the archives that they open',
    paths: [
      '/var/lib/ubuntu-advantage/private/*',
      '/var/lib/ubuntu-advantage/machine-id',
      '/etc/apt/auth.conf.d/90ubuntu-advantage',
      ...proServices.map((name) => `/etc/apt/sources.list.d/ubuntu-${name}*`),
    ],
    madeBy: 'pro attach',
  },
  {
    what: 'Insights',
    paths: ['/etc/insights-client/machine-id', '/etc/insights-client/.registered'],
    madeBy: 'insights-client --register',
  },
];
