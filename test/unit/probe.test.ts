import { chmodSync, mkdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { judge } from '../../src/verify/checks.ts';
import { anyLinux } from '../../src/families/linux/expect.ts';
import { type Facts, lines, parseFacts } from '../../src/verify/facts.ts';
import { type FakeGuest, fakeGuest } from '../support/fake-guest.ts';

const script = readFileSync('templates/linux/probe.sh', 'utf8').replace(/^PATH=.*$/m, '');
/** That of the instance. */
const key = 'AAAAB3NzaC1yc2EAAAADAQAB0of0the0instance==';
const uuid = 'UUID=5d0e5d0e-0000-4000-8000-000000000001';

/** A guest as the probe finds it, with nothing wrong in what it looks at itself. */
function goodGuest(): FakeGuest {
  const guest = fakeGuest();
  guest.command('systemctl', '[ "$1" != is-system-running ] || echo running');
  guest.command('findfs', `[ "$1" = ${uuid} ]`);
  guest.command('sshd', 'echo usepam yes; echo passwordauthentication no; echo permitrootlogin without-password');
  guest.command('dpkg-query', 'echo "ii  bash"; echo "rc  old"; echo "iW  man-db"');
  for (const name of ['journalctl', 'dmesg', 'getenforce', 'ss', 'cloud-init']) guest.command(name);
  const users = [
    'root:x:0:0::/root:/bin/bash',
    'splunk:x:991:991::/opt/splunk:/bin/bash',
    'x:x:70001:1::/srv/x:/sbin/nologin',
  ];
  guest.command(
    'getent',
    `printf '%s\\n' ${users.map((user) => `'${user.replace('::/', `::${guest.path('/')}`)}'`).join(' ')}`,
  );
  guest.write('run/cloud-init/result.json', '{"v1": {"errors": []}}');
  guest.write('etc/fstab', `# a comment\n${uuid} / xfs defaults 0 0\n/dev/sr0 /media iso9660 ro 0 0\n`);
  guest.write('etc/default/grub', '# console=none\nGRUB_CMDLINE_LINUX="console=tty0 console=ttyS0,115200n8"\n');
  guest.write('etc/shadow', 'root:!locked:1::::::\n');
  guest.write('etc/sudoers', '# ALL ALL=(ALL) NOPASSWD: ALL\nroot ALL=(ALL) ALL\n');
  guest.write('var/lib/dpkg/status', 'Package: bash\n');
  guest.write(
    'root/.ssh/authorized_keys',
    `# ssh-rsa AAAAof0nobody0any0more\nno-pty,command="echo no" ssh-rsa ${key}\n`,
  );
  guest.link('etc/localtime', '../usr/share/zoneinfo/Europe/Berlin');
  for (const folder of ['tmp', 'var/tmp', 'home', 'boot']) mkdirSync(guest.path(folder), { recursive: true });
  for (const folder of ['tmp', 'var/tmp']) chmodSync(guest.path(folder), 0o1777);
  chmodSync(guest.path('etc/shadow'), 0o640);
  return guest;
}

const wanted = { ...anyLinux, root: 'none', timezone: 'Europe/Berlin' } as const;
/** What is judged of files that the guest has. */
const known = [
  'root-login',
  'users',
  'authorized-keys',
  'resolv-conf',
  'console',
  'sudo',
  'passwords',
  'selinux',
  'password-login',
  'journal',
  'timezone',
  'fstab',
  'permissions',
  'packages',
];

function factsOf(guest: FakeGuest): Facts {
  const { output } = guest.run(`set -- detached\n${script}`);
  const facts = parseFacts(output);
  if (!facts) throw new Error(output);
  // The machine that runs the test has another one.
  return new Map([...facts, ['cmdline', ['root=UUID=1 console=ttyS0,115200n8']], ['clock', ['1']]]);
}

const failed = (facts: Facts) =>
  judge({ facts, wanted, hostname: 'x', key, grown: 1, rootBefore: 0, network: false, now: 1 }).flatMap(
    ({ check, outcome }) => (outcome === 'failed' && known.includes(check) ? [check] : []),
  );

test('of several kernels each is told, on a terminal too', () => {
  const guest = goodGuest();
  const kernels = ['5.14.0-503.el9.x86_64', '5.14.0-570.el9.x86_64'];
  for (const kernel of kernels) mkdirSync(guest.path(`lib/modules/${kernel}`), { recursive: true });
  const { output } = guest.run(`set -- detached\n${script}`, { onTerminal: true });
  expect(lines(parseFacts(output) ?? new Map(), 'kernels')).toEqual(kernels);
});

test('of a good guest nothing is wrong', () => {
  const facts = factsOf(goodGuest());
  expect(failed(facts)).toEqual([]);
  expect(lines(facts, 'timezone')).toEqual(['../usr/share/zoneinfo/Europe/Berlin']);
});

test.for<[string, (guest: FakeGuest) => void]>([
  ['fstab', (guest) => guest.write('etc/fstab', 'UUID="gone" /srv ext4 nofail 0 2\n')],
  ['fstab', (guest) => guest.write('etc/fstab', '/dev/sda2 /srv ext4 defaults 0 2\n')],
  ['permissions', (guest) => chmodSync(guest.path('etc/sudoers'), 0o666)],
  ['permissions', (guest) => chmodSync(guest.path('boot'), 0o777)],
  ['permissions', (guest) => chmodSync(guest.path('etc/shadow'), 0o644)],
  ['permissions', (guest) => chmodSync(guest.path('var/tmp'), 0o755)],
  ['permissions', (guest) => (guest.write('home/sh', ''), chmodSync(guest.path('home/sh'), 0o4755))],
  ['packages', (guest) => guest.command('dpkg-query', 'echo "iF  bash"')],
  ['packages', (guest) => (guest.remove('var/lib/dpkg/status'), guest.command('rpm', 'exit 1'))],
  ['timezone', (guest) => (guest.remove('etc/localtime'), guest.link('etc/localtime', '/usr/share/zoneinfo/UTC'))],
  ['console', (guest) => guest.write('etc/default/grub', 'GRUB_CMDLINE_LINUX="console=tty0"\n')],
  ['sudo', (guest) => guest.write('etc/sudoers.d/all', '  ALL ALL=(ALL) NOPASSWD: ALL\n')],
  ['root-login', (guest) => guest.write('root/.ssh/authorized_keys', `ssh-rsa ${key} me\n`)],
  [
    'authorized-keys',
    (guest) => guest.write('opt/splunk/.ssh/authorized_keys', `ssh-rsa ${key.replace('the', 'his')}\n`),
  ],
  [
    'authorized-keys',
    (guest) => {
      const place = guest.path('etc/ssh/keys');
      guest.write('etc/ssh/keys/root', `ssh-rsa ${key.replace('the', 'his')} builder\n`);
      guest.command('sshd', `echo passwordauthentication no; echo authorizedkeysfile .ssh/authorized_keys ${place}/%u`);
    },
  ],
  // A byte that makes it no text hides no key.
  [
    'authorized-keys',
    (guest) =>
      guest.write('root/.ssh/authorized_keys', `# \u0000\nno-pty,command="x" ssh-rsa ${key.replace('the', 'his')}\n`),
  ],
  ['users', (guest) => guest.command('getent', 'echo other:x:70001:70001::/srv/other:/bin/sh')],
  ['resolv-conf', (guest) => guest.link('etc/resolv.conf', '../run/systemd/resolve/stub-resolv.conf')],
  ['root-login', (guest) => guest.write('etc/shadow', 'root::1::::::\n')],
  ['root-login', (guest) => guest.write('etc/passwd', 'root::0:0::/root:/bin/sh\n+::::::\nx:x:70001:1:::\n')],
  ['sudo', (guest) => guest.write('etc/sudoers.d/splunk', 'splunk ALL=(ALL) NOPASSWD:ALL\n')],
  [
    'password-login',
    (guest) =>
      guest.command(
        'sshd',
        'case $3 in user=root,*) echo usepam no ;; *) exit 1 ;; esac; echo passwordauthentication yes',
      ),
  ],
  [
    'selinux',
    (guest) => (
      guest.write('etc/redhat-release', 'x'),
      guest.write('etc/selinux/config', '# a\nSELINUX=permissive\nSELINUXTYPE=targeted\n')
    ),
  ],
  [
    'selinux',
    (guest) => {
      guest.command('getenforce', 'echo Enforcing');
      guest.write('etc/redhat-release', 'x');
      guest.write('etc/selinux/config', 'SELINUX=enforcing\n');
      guest.command(
        'matchpathcon',
        'echo "$2 verified."; echo "$3 has context a:b:unlabeled_t:s0, should be a:b:shadow_t:s0"',
      );
    },
  ],
  [
    'packages',
    (guest) => (
      guest.remove('var/lib/dpkg/status'),
      guest.command('rpm', 'echo bash'),
      guest.write('var/lib/yum/transaction-all.1', 'x')
    ),
  ],
  ['password-login', (guest) => guest.command('sshd', 'echo usepam yes; echo kbdinteractiveauthentication yes')],
  ['journal', (guest) => guest.command('dmesg', 'echo "[ 3.0] XFS (vda2): Internal error at line 1"')],
])('%s fails alone for a guest that was damaged so: %s', ([check, damage]) => {
  const guest = goodGuest();
  damage(guest);
  expect(failed(factsOf(guest))).toEqual([check]);
});

test('a volume that comes later, and sshd that a socket starts, are as they should be', () => {
  const guest = goodGuest();
  guest.write('etc/fstab', `${uuid} / xfs defaults 0 0\nLABEL=DATA /data xfs defaults,nofail 0 2\n`);
  guest.command('sshd', `[ -d ${guest.path('run/sshd')} ] && echo passwordauthentication no`);
  expect(failed(factsOf(guest))).toEqual([]);
});

test('a rule of sudo that sudo does not read, and a database of users that NIS adds to, are as they should be', () => {
  const guest = goodGuest();
  guest.write('etc/sudoers.d/deploy.rpmsave', 'splunk ALL=(ALL) NOPASSWD:ALL\n');
  guest.command('getent', '[ -z "$2" ] || exit 2');
  guest.write('etc/sudoers', 'almalinux\tALL=(ALL)\tNOPASSWD: ALL\n');
  guest.write('etc/sudoers.d/backup', 'backup ALL=(root) NOPASSWD: /usr/bin/rsync\n%wheel ALL=(ALL) NOPASSWD: ALL\n');
  guest.write('etc/passwd', '+::::::\n-@them::::::\n');
  guest.write('etc/redhat-release', 'x');
  guest.write('etc/selinux/config', 'SELINUX=enforcing\n');
  expect(failed(factsOf(guest))).toEqual([]);
});

test('a key of NetworkManager that counts with the machine-id alone is no identity, an older one is', () => {
  const guest = goodGuest();
  guest.write('var/lib/NetworkManager/secret_key', 'nm-v2:c2VjcmV0');
  guest.write('etc/ssh/ssh_host_rsa_key.pub', 'ssh-rsa x');
  const found = () => lines(factsOf(guest), 'identities').map((line) => line.replace(/^\S+ +/, ''));
  expect(found()).toEqual(['/etc/ssh/ssh_host_rsa_key.pub']);
  guest.write('var/lib/NetworkManager/secret_key', 'older');
  expect(found()).toEqual(['/etc/ssh/ssh_host_rsa_key.pub', '/var/lib/NetworkManager/secret_key']);
});

test('a journal without an end is cut, so that the answers come', () => {
  const guest = goodGuest();
  guest.command('journalctl', "yes 'sshd: error: no more sessions' | head -n 100000; printf '%5000s\\n' long");
  const facts = factsOf(guest);
  expect(lines(facts, 'errors')).toHaveLength(200);
  expect(failed(facts)).toEqual(['journal']);
});

test('what cloud-init wrote into fstab, and a zone that RHEL 6 names, are as they should be', () => {
  const guest = goodGuest();
  guest.write('etc/fstab', '/dev/vdb /mnt auto defaults,nofail,comment=cloudconfig 0 2\n');
  guest.remove('etc/localtime');
  guest.write('etc/sysconfig/clock', 'ZONE="Europe/Berlin"\n');
  expect(failed(factsOf(guest))).toEqual([]);
});
