import { XMLValidator } from 'fast-xml-parser';
import { expect, test } from 'vitest';
import { familyOf } from '../../src/families/index.ts';
import { rhelRecipe } from '../support/rhel.ts';
import { judge } from '../../src/verify/checks.ts';
import type { Sight } from '../../src/verify/sight.ts';
import { checkNames } from '../../src/recipe/verify.ts';
import { compare } from '../../src/verify/compare.ts';
import { type Facts, parseFacts } from '../../src/verify/facts.ts';
import { openPorts, sshFault } from '../../src/verify/ports.ts';
import { junit } from '../../src/verify/junit.ts';

const good: Readonly<Record<string, string>> = {
  'cloud-init': '{"v1": {"datasource": "DataSourceNoCloud [seed=/dev/sr0]", "errors": []}}',
  state: 'running',
  hostname: 'clone-one',
  kernel: '5.14.0-570.el9.x86_64',
  kernels: '5.14.0-503.el9.x86_64\n5.14.0-570.el9.x86_64',
  cmdline: 'root=UUID=1 console=tty0 console=ttyS0,115200n8 net.ifnames=0',
  passwords: '',
  accounts: 'root 0 /bin/bash\ncloud-user 1000 /bin/bash\nnfsnobody 65000 /sbin/nologin',
  sshd: 'permitrootlogin no\nusepam yes\npasswordauthentication no\nkbdinteractiveauthentication no',
  cards: 'eth0 52:54:00:76:6b:01',
  addresses: '1: lo    inet 127.0.0.1/8 scope host lo\n2: eth0    inet 10.0.2.15/24 brd 10.0.2.255 scope global eth0',
  routes: 'default via 10.0.2.2 dev eth0\n10.0.2.0/24 dev eth0',
  'resolv-conf': 'there\n# by hand\nnameserver 10.0.2.3',
  zeroconf: 'NOZEROCONF=yes',
  root: '/dev/vda1 11521024 1500000 10021024 14% /',
  'authorized-keys': 'root /root/.ssh/authorized_keys AAAAinstance',
  selinux: 'Enforcing\nconfigured enforcing',
  failed: '',
  critical: '',
  errors: '',
  clock: '1800000000',
  'root-keys': '0',
  timezone: '../usr/share/zoneinfo/Etc/UTC',
  grub: 'there\nGRUB_CMDLINE_LINUX="console=tty0 console=ttyS0,115200n8"',
  fstab: '',
  permissions: '',
  packages: '',
  identities: 'aa  /etc/machine-id\nbb  /etc/ssh/ssh_host_rsa_key.pub',
  files: 'aa  /etc/machine-id\ncc  /etc/fstab\n-> ../usr/lib/os-release  /etc/os-release',
};

const printed = (changes: Readonly<Record<string, string>> = {}) =>
  [...Object.entries({ ...good, ...changes }).map(([name, text]) => `@@ ${name}\n${text}`), '@@ end'].join('\n');

const factsOf = (changes: Readonly<Record<string, string>> = {}) => parseFacts(printed(changes)) as Facts;

function sight(changes: Readonly<Record<string, string>> = {}, more: Partial<Sight> = {}): Sight {
  return {
    facts: factsOf(changes),
    wanted: {
      system: 'linux',
      user: 'cloud-user',
      root: 'none',
      rootPassword: false,
      card: 'eth0',
      grows: true,
      noZeroconf: true,
      selinux: 'enforcing',
      timezone: 'UTC',
      kernelArguments: ['console=tty0', 'console=ttyS0,115200n8'],
      traces: [],
      kept: [],
      machine: { memory: 1024 ** 3, diskBus: 'virtio' },
    },
    hostname: 'clone-one',
    key: 'AAAAinstance',
    grown: 1024 ** 3,
    rootBefore: 10_472_448 * 1024,
    network: true,
    now: 1_800_000_010,
    ...more,
  };
}

const failed = (changes: Readonly<Record<string, string>>, more: Partial<Sight> = {}) =>
  judge(sight(changes, more)).flatMap(({ check, outcome }) => (outcome === 'failed' ? [check] : []));

test('of a good clone nothing is wrong', () => {
  const results = judge(sight());
  expect(results.filter(({ outcome }) => outcome !== 'passed')).toEqual([]);
  expect(checkNames).toEqual(expect.arrayContaining(results.map(({ check }) => check)));
});

test.for<[string, Readonly<Record<string, string>>]>([
  ['cloud-init', { 'cloud-init': 'unfinished' }],
  ['cloud-init', { 'cloud-init': '{"v1": {"errors": ["(\'growpart\', TypeError())"]}}' }],
  ['hostname', { hostname: 'localhost.localdomain' }],
  ['root-login', { passwords: 'root set' }],
  ['root-login', { passwords: 'root empty' }],
  ['passwords', { passwords: 'cloud-user set' }],
  ['password-login', { sshd: 'permitrootlogin yes\npasswordauthentication yes' }],
  ['users', { accounts: 'root 0 /bin/bash\ncloud-user 1000 /bin/bash\nolduser 1001 /bin/bash' }],
  ['users', { accounts: 'root 0 /bin/bash\ntoor 0 /bin/bash\ncloud-user 1000 /bin/bash' }],
  ['network', { cards: 'ens3 52:54:00:76:6b:01' }],
  ['network', { addresses: '' }],
  ['resolv-conf', { 'resolv-conf': '# nothing' }],
  ['resolv-conf', { 'resolv-conf': 'there\nnameserver 192.168.122.1' }],
  ['zeroconf', { zeroconf: '' }],
  ['zeroconf', { routes: '169.254.0.0/16 dev eth0 scope link metric 1002' }],
  ['root-grown', { root: '/dev/vda1 10472448 1500000 8972448 15% /' }],
  ['space', { root: '/dev/vda1 11521024 11500000 20000 100% /' }],
  ['selinux', { selinux: 'Disabled\nconfigured disabled' }],
  ['selinux', { selinux: 'Disabled\nconfigured enforcing', cmdline: `${good['cmdline']} selinux=0` }],
  ['selinux', { selinux: 'Permissive\nconfigured enforcing' }],
  ['units', { failed: 'kdump.service loaded failed failed Crash recovery' }],
  ['journal', { critical: 'systemd: Freezing execution.' }],
  ['journal', { errors: 'sshd: error: Bind to port 22 failed' }],
  ['clock', { clock: '1799990000' }],
  ['kernel', { kernel: '5.14.0-503.el9.x86_64' }],
  ['kernel', { cmdline: 'root=UUID=1 console=tty0' }],
  ['kernel', { cmdline: `BOOT_IMAGE=(hd0,gpt2)/vmlinuz-0-rescue-5d0e ${good['cmdline']}` }],
  ['root-login', { 'root-keys': '1', sshd: 'permitrootlogin without-password\npasswordauthentication no' }],
  ['password-login', { sshd: 'usepam yes\nchallengeresponseauthentication yes' }],
  ['password-login', { sshd: 'permitrootlogin no\npermitemptypasswords yes' }],
  ['authorized-keys', { 'authorized-keys': 'cloud-user /etc/ssh/keys/cloud user AAAAbuilder' }],
  ['password-login', { sshd: '' }],
  ['resolv-conf', { 'resolv-conf': 'there' }],
  ['sudo', { 'sudo-all': '/etc/sudoers ALL ALL=(ALL) NOPASSWD: ALL' }],
  ['console', { grub: 'there\nGRUB_CMDLINE_LINUX="console=tty0"' }],
  ['console', { grub: 'there' }],
  ['journal', { 'filesystem-errors': '[  3.1] EXT4-fs error (device vda1): ext4_lookup:1234' }],
  ['timezone', { timezone: '../usr/share/zoneinfo/Europe/Berlin' }],
  ['timezone', { timezone: '"America/New_York"' }],
  ['fstab', { fstab: 'missing UUID=5d0e /srv' }],
  ['fstab', { fstab: 'name /dev/sda1 /' }],
  ['permissions', { permissions: 'writable /etc/sudoers.d/me\nwritable /etc/motd' }],
  ['permissions', { permissions: 'readable /etc/shadow' }],
  ['permissions', { permissions: 'temporary /tmp' }],
  ['packages', { packages: 'bash' }],
  // A static address, beside which nobody can log in.
  ['network', { addresses: '2: eth0    inet 192.168.1.10/24 brd 192.168.1.255 scope global eth0' }],
  ['resolv-conf', { 'resolv-conf': 'there\nnameserver 192.0.2.1\nnameserver 10.0.2.3' }],
  ['passwords', { passwords: 'cloud-user empty' }],
  ['root-login', { 'root-keys': '1', sshd: 'passwordauthentication no\npermitrootlogin yes' }],
  // For one of the users only.
  ['password-login', { sshd: 'passwordauthentication no\npasswordauthentication yes\npermitrootlogin no' }],
  ['sudo', { 'sudo-all': '/etc/sudoers.d/x deploy ALL=(ALL) NOPASSWD: ALL' }],
  ['space', { full: '/boot 100%' }],
  [
    'selinux',
    { labels: '/etc/shadow has context system_u:object_r:unlabeled_t:s0, should be system_u:object_r:shadow_t:s0' },
  ],
  ['kernel', { cmdline: `root=/dev/vda1 ${good['cmdline']}` }],
  ['kernel', { kernel: '5.15.0-300.el9uek.x86_64', kernels: '5.15.0-300.el9uek.x86_64\n5.15.0-310.el9uek.x86_64' }],
])('%s fails alone for %j', ([check, changes]) => {
  expect(failed(changes)).toEqual([check]);
});

test('a good clone may have more than a gibibyte beside its root, no name server, other kernels, and keys of the recipe', () => {
  // AlmaLinux: 11 GiB, of which /boot and /boot/efi have 1224 MiB.
  const root = '/dev/vda4 10207232 1500000 8707232 15% /';
  expect(failed({ root }, { rootBefore: (10_207_232 - 1_000_000) * 1024 })).toEqual([]);
  // A network that leads nowhere has no name server to offer.
  expect(failed({ 'resolv-conf': 'there\ndomain novalocal' }, { network: false })).toEqual([]);
  expect(failed({ kernels: '5.14.0-570.el9.x86_64\n5.14.0-570.el9.x86_64+debug' })).toEqual([]);
  const debian = {
    kernel: '6.1.0-56-cloud-amd64',
    kernels: '6.1.0-9-cloud-amd64\n6.1.0-56-cloud-amd64\n6.1.0-57-amd64',
  };
  expect(failed(debian)).toEqual([]);
  expect(failed({ ...debian, kernel: '6.1.0-9-cloud-amd64' })).toEqual(['kernel']);
  // Nobody is there to ask for entropy, updates and addresses, which is told of where the network leads somewhere.
  const alone = {
    failed:
      'pollinate.service loaded failed failed Pollinate\ndnf-makecache.service loaded failed failed dnf makecache',
    errors:
      'Failed to start Pollinate to seed the pseudo random number generator.\nntpd: Error resolving 2.rhel.pool.ntp.org: Name or service not known (-2)',
  };
  expect(failed(alone, { network: false })).toEqual([]);
  expect(failed(alone)).toEqual(['units', 'journal']);
  // RHEL 6 grows in its initial RAM disk, if anything there does it.
  const six = { kernel: '2.6.32-754.el6.x86_64', kernels: '', root: '/dev/vda1 10472448 1500000 8972448 15% /' };
  expect(failed(six)).toEqual([]);
  expect(failed({ ...six, growroot: '/usr/share/dracut/modules.d/50growroot' })).toEqual(['root-grown']);
  // Oracle Linux has two kernels, of which the default is older by its number than the other may be.
  const uek = '6.12.0-104.el10uek.x86_64';
  expect(failed({ kernel: uek, kernels: `${uek}\n6.12.0-124.el10.x86_64` })).toEqual([]);
  // A host with a name server of IPv6 has libslirp announce one, to clones that reach nobody too.
  for (const server of ['fec0::3', 'fec0::3%eth0', '::1'])
    expect(failed({ 'resolv-conf': `there\nnameserver ${server}` }, { network: false })).toEqual([]);
  const { wanted } = sight();
  const rule = {
    'sudo-all':
      '/etc/sudoers.d/deploy deploy ALL=(ALL) NOPASSWD:ALL\n/etc/sudoers.d/90-cloud-init-users cloud-user ALL=(ALL) NOPASSWD:ALL',
  };
  expect(failed(rule, { wanted: { ...wanted, kept: ['/etc/sudoers.d/deploy'] } })).toEqual([]);
  const keys = { 'authorized-keys': 'cloud-user /etc/ssh/keys/cloud-user AAAAours' };
  for (const kept of ['/etc/ssh/keys/cloud-user', '/etc/ssh/keys', '/etc/ssh/key?/*'])
    expect(failed(keys, { wanted: { ...wanted, kept: [kept] } })).toEqual([]);
  expect(failed(keys, { wanted: { ...wanted, kept: ['/etc/ssh/*.keys'] } })).toEqual(['authorized-keys']);
});

test('of a system without systemd nobody can say that its units and its journal are in order', () => {
  const results = judge(sight({ state: '' })).filter(({ outcome }) => outcome === 'skipped');
  expect(results.map(({ check }) => check)).toEqual(['units', 'journal']);
  expect(failed({ state: '', 'filesystem-errors': 'EXT4-fs error (device vda1)' })).toEqual(['journal']);
});

test('what sshd says of connections that met its restart is no fault of the image', () => {
  const critical = 'sshd[512]: fatal: chroot("/run/sshd"): No such file or directory [preauth]';
  expect(
    failed({ critical, errors: 'sshd: error: kex_exchange_identification: Connection closed by remote host' }),
  ).toEqual([]);
});

test('two clones share no identity, and differ in nothing else', () => {
  const one = factsOf();
  const own = {
    hostname: 'clone-two',
    identities: 'a1  /etc/machine-id\nb1  /etc/ssh/ssh_host_rsa_key.pub',
    files: (good['files'] ?? '').replace('aa', 'a1'),
  };
  const outcome = (more: Readonly<Record<string, string>>) =>
    compare(one, factsOf({ ...own, ...more })).map((each) => each.message);
  expect(outcome({})).toEqual(['', '']);
  expect(outcome({ identities: 'aa  /etc/machine-id' })[0]).toContain('machine-id');
  expect(outcome({ identities: 'bb  /etc/ssh/ssh_host_rsa_key.pub' })[0]).toContain('SSH host key');
  expect(outcome({ hostname: 'clone-one' })[0]).toContain('host name');
  expect(outcome({ files: (good['files'] ?? '').replace('cc', 'dd') })[1]).toContain('/etc/fstab');
  // What a good image of somebody else's writes at its first boot.
  const written = [
    ...[
      '/etc/sysconfig/network-scripts/ifcfg-eth0',
      '/etc/systemd/network/10-cloud-init-ens5.network',
      '/etc/aliases.db',
    ],
    ...[
      '/boot/initramfs-5.14.0-570.el9.x86_64kdump.img',
      '/etc/apt/sources.list',
      '/etc/network/interfaces.d/50-cloud-init',
    ],
  ];
  const extra = (digest: string) => ({
    files: `${own.files}\n${written.map((file) => `${digest}  ${file}`).join('\n')}`,
  });
  expect(compare(factsOf(extra('11')), factsOf({ ...own, ...extra('22') }))[1]?.message).toBe('');
});

test('open ports are those of both clones, beyond the loopback, as every ss and netstat prints them', () => {
  const ss = [
    'udp   UNCONN 0      0              0.0.0.0:34567      0.0.0.0:*    users:(("dhclient",pid=700,fd=5))',
    'udp   UNCONN 0      0            127.0.0.1:323        0.0.0.0:*    users:(("chronyd",pid=800,fd=5))',
    'tcp   LISTEN 0      4096     127.0.0.53%lo:53         0.0.0.0:*',
    'tcp   LISTEN 0      128            0.0.0.0:22         0.0.0.0:*    users:(("sshd",pid=900,fd=3))',
    'tcp   LISTEN 0      128               [::]:22            [::]:*    users:(("sshd",pid=900,fd=4))',
    'udp   UNCONN 0      0    10.0.2.15%eth0:68         0.0.0.0:*    users:(("systemd-network",pid=500,fd=22))',
  ].join('\n');
  const netstat = [
    'Active Internet connections (only servers)',
    'Proto Recv-Q Send-Q Local Address           Foreign Address         State       PID/Program name',
    'tcp        0      0 0.0.0.0:22              0.0.0.0:*               LISTEN      1234/sshd',
    'tcp        0      0 127.0.0.1:25            0.0.0.0:*               LISTEN      1300/master',
    'tcp6       0      0 ::1:25                  :::*                    LISTEN      1300/master',
    'udp        0      0 0.0.0.0:68              0.0.0.0:*                           1100/dhclient',
  ].join('\n');
  const ports = (one: string, other: string) => openPorts(factsOf({ ports: one }), factsOf({ ports: other }));
  expect(ports(ss, ss.replace('34567', '40000'))).toEqual([
    { protocol: 'tcp', port: 22, process: 'sshd' },
    { protocol: 'udp', port: 68, process: 'systemd-network' },
  ]);
  expect(ports(netstat, netstat)).toEqual([
    { protocol: 'tcp', port: 22, process: 'sshd' },
    { protocol: 'udp', port: 68, process: 'dhclient' },
  ]);
  expect(ports('tcp    LISTEN     0      128      *:22      *:*      users:(("sshd",1,3))', netstat)).toHaveLength(1);
  expect(ports('tcp    LISTEN     0      128     :::22     :::*', netstat)).toEqual([{ protocol: 'tcp', port: 22 }]);
});

test('an SSH server on another port, or none, is told as the reason of a login that fails', () => {
  const line = (port: number, process: string) =>
    `tcp LISTEN 0 128 0.0.0.0:${port} 0.0.0.0:* users:(("${process}",pid=9,fd=3))`;
  const fault = (...ports: string[]) => sshFault(factsOf({ ports: ports.join('\n') }));
  expect(fault(line(22, 'sshd'), line(2222, 'sshd'))).toBeUndefined();
  expect(fault(line(2222, 'sshd'))).toBe('sshd listens on port 2222, not on 22');
  expect(fault(line(80, 'nginx'))).toBe('nothing listens on port 22');
  // Nobody can say: there is neither ss nor netstat.
  expect(fault()).toBeUndefined();
});

test('answers that have not come to their end are none', () => {
  expect(parseFacts('@@ hostname\nx')).toBeUndefined();
  const config = '@@ traces\n@@ end\nsystem_info:';
  expect(parseFacts(`7c config\n${config}\n7c traces\n/root/.ssh\n7c end`, '7c')).toEqual(
    new Map([
      ['config', config.split('\n')],
      ['traces', ['/root/.ssh']],
      ['end', []],
    ]),
  );
  // A file need not end with a line end.
  expect(parseFacts('7c config\nname: x7c space\nbavail: 1\n7c end', '7c')).toEqual(
    new Map([
      ['config', ['name: x']],
      ['space', ['bavail: 1']],
      ['end', []],
    ]),
  );
});

test('the time zone is that of the kickstart, unless a step may set another', async () => {
  const zone = async (more: string, release: string) => {
    const recipe = await rhelRecipe(more, release);
    const family = familyOf(recipe);
    const wanted = family.expects(recipe, family.render(recipe));
    return wanted.system === 'linux' ? wanted.timezone : 'none';
  };
  for (const release of ['6.10', '7.9', '9.6']) {
    expect(await zone('timezone: Europe/Berlin\n', release)).toBe('Europe/Berlin');
    expect(await zone('customize: [{ run: timedatectl set-timezone UTC }]\n', release)).toBeUndefined();
  }
});

test('results are XML whatever a console said', () => {
  const found = '\u001b[1mBoot <failed>\u0000 "x"\n&';
  const text = junit('image\u0007', [{ check: 'a\nb', outcome: 'failed', message: found }], 1);
  expect(XMLValidator.validate(text)).toBe(true);
  const passed = junit('n', [{ check: 'a', outcome: 'passed', message: '', said: 'promoted <here>' }]);
  expect(passed).toContain('<system-out>promoted &lt;here&gt;</system-out>');
  // oxlint-disable-next-line no-control-regex
  expect(text).not.toMatch(/[\u0000-\u0008\u000b-\u001f]/);
});
