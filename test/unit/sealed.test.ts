import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { anyLinux } from '../../src/families/linux/expect.ts';
import { questionLines } from '../../src/tools/guestfs.ts';
import { type Facts, parseFacts } from '../../src/verify/facts.ts';
import { defaultUser, judgeSealed, questions, unanswered } from '../../src/verify/sealed.ts';

/** Which lines the question about a place would find, by grep on this host. */
function matches(place: string, input: readonly string[]): string[] {
  const asked = questionLines(questions(anyLinux, 'x')).split('\n');
  const line = asked.find((each) => each.startsWith('-glob "egrep"') && each.includes(` "${place}"`)) ?? '';
  const [, pattern = ''] = /^-glob "egrep" "((?:[^"\\]|\\.)*)"/.exec(line) ?? [];
  const found = spawnSync('grep', ['-E', pattern.replaceAll(/\\(.)/g, '$1')], {
    input: input.join('\n'),
    encoding: 'utf8',
  });
  return found.stdout.trim().split('\n');
}

test('what an image holds before its first boot decides before it is booted', () => {
  const sealed = (traces: string, more = '', kept = '') => {
    const text = `@@ machine-id\n@@ traces\n${traces}\n@@ kept\n${kept}\n@@ disabled\n@@ space\nfrsize: 4096\nbavail: 90000\n${more}\n@@ end`;
    return judgeSealed(parseFacts(text) as Facts, anyLinux).flatMap(({ check, outcome }) =>
      outcome === 'failed' ? [check] : [],
    );
  };
  expect(sealed('')).toEqual([]);
  expect(sealed('/etc/ssh/ssh_host_rsa_key')).toEqual(['leftovers']);
  expect(sealed('/root/.ssh/authorized_keys', '', '/root/.ssh/authorized_keys')).toEqual([]);
  expect(sealed('', '@@ machine-id\n5d0e')).toEqual(['machine-id']);
  expect(sealed('', '@@ machine-id\nuninitialized')).toEqual([]);
  expect(sealed('', '@@ bound\nHWADDR=52:54:00:00:00:01')).toEqual(['network']);
  expect(sealed('', '@@ kickstarts\n1')).toEqual(['leftovers']);
  expect(sealed('', '@@ disabled\n/etc/cloud/cloud-init.disabled')).toEqual(['cloud-init']);
  expect(sealed('', '@@ space\nfrsize: 4096\nbavail: 22748')).toEqual(['space']);
  expect(sealed('', '@@ space\nfrsize: 4096\nbavail: 90000\nfiles: 65536\nfavail: 12')).toEqual(['space']);
  expect(sealed('', '@@ space\nfrsize: 4096\nbavail: 90000\nfiles: 0\nfavail: 0')).toEqual([]);
  expect(sealed('', '@@ waits\n1')).toEqual(['system']);
  const repo = '@@ /etc/yum.repos.d/*.repo\n2';
  expect(sealed('', repo)).toEqual(['leftovers']);
  expect(sealed('', repo, '/etc/yum.repos.d/ours.repo')).toEqual([]);
});

test('of what Anaconda leaves of its kickstart, lines with passwords are asked for', () => {
  const secret = ['rootpw --iscrypted $6$salt$hash', 'user --name=a --password=x', 'part / --encrypted --passphrase x'];
  const harmless = ['rootpw --lock --iscrypted nope', '# rootpw --plaintext secret', 'auth --passalgo=sha512'];
  expect(matches('/root/*-ks.cfg', [...secret, ...harmless])).toEqual(secret);
});

test('passwords of proxies and repositories, cards by their address and long waits are found, and nothing like them', () => {
  const secret = [
    'proxy_password = hush',
    'password=hush',
    'baseurl=https://me:hush@mirror.example.com/',
    'Acquire::http::Proxy "http://me:hush@proxy:3128";',
  ];
  const none = [
    '# password=hush',
    'proxy_password =',
    'baseurl=https://mirror.example.com:8443/a@b',
    'metalink=https://mirrors.example.com/?a=b:c@d',
  ];
  expect(matches('/etc/yum.conf', [...secret, ...none])).toEqual(secret);
  const rule = 'SUBSYSTEM=="net", ACTION=="add", DRIVERS=="?*", ATTR{address}=="52:54:00:12:34:56", NAME="eth0"';
  expect(matches('/etc/udev/rules.d/*.rules', [rule, `# ${rule}`, 'ATTR{address}=="?*", NAME="x"'])).toEqual([rule]);
  const waits = ['GRUB_TIMEOUT=-1', 'GRUB_TIMEOUT="30"', 'GRUB_TIMEOUT=120'];
  expect(
    matches('/etc/default/grub', [...waits, 'GRUB_TIMEOUT=5', '# GRUB_TIMEOUT=30', 'GRUB_RECORDFAIL_TIMEOUT=30']),
  ).toEqual(waits);
  const keyfile = ['mac-address=52:54:00:12:34:56', 'cloned-mac-address=52:54:00:12:34:56'];
  expect(matches('/etc/NetworkManager/system-connections/*', [...keyfile, 'cloned-mac-address=preserve'])).toEqual(
    keyfile,
  );
});

test('of the files of a guest no secret is printed', () => {
  const asked = questionLines(questions(anyLinux, 'x')).split('\n');
  const configurations = asked.filter((line) => line.includes('/etc/cloud/cloud.cfg'));
  expect(configurations).toHaveLength(2);
  const input = `password: hush
system_info:
  default_user:
    name: me
    passwd: hush
  distro: x
chpasswd:
  list: hush
`;
  for (const line of configurations) {
    const filtered = spawnSync('sh', ['-c', line.split(' | ')[1] ?? ''], { input, encoding: 'utf8' }).stdout;
    expect(filtered).toBe('system_info:\n  default_user:\n    name: me\n  distro: x\n');
  }
  const secrets = asked.filter((line) => /egrep.*passw/.test(line));
  expect(secrets.length).toBeGreaterThan(5);
  expect(secrets.filter((line) => !line.endsWith(' | wc -l'))).toEqual([]);
});

test('what a folder is asked as a file is an answer, and a damaged file system none', () => {
  expect(
    unanswered('libguestfs: error: egrep: /etc/netplan/x.yaml: grep: (standard input): Is a directory'),
  ).toBeUndefined();
  expect(unanswered('libguestfs: error: pread: open: /etc/fstab: Input/output error')).toContain('Input/output');
});

test('a cloud.cfg that is no YAML names no user', () => {
  const user = (text: string) => defaultUser(parseFacts(`@@ config\n${text}\n@@ end`) as Facts);
  expect(user('system_info:\n  default_user:\n    name: debian')).toBe('debian');
  expect(user('a: 1\na: 2\n: [')).toBeUndefined();
  // A file of cloud.cfg.d comes later, and may be flow; one that names nobody changes nothing.
  const early = 'system_info:\n  default_user:\n    name: cloud-user\n  distro: rhel\nmanage_etc_hosts: true';
  expect(user(`${early}\nsystem_info: { default_user: { name: ec2-user } }`)).toBe('ec2-user');
  expect(
    user(`${early}\n# a file\nsystem_info:\n    default_user:\n        shell: /bin/bash\nusers:\n  - name: other`),
  ).toBe('cloud-user');
});
