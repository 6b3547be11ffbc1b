import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { anyLinux } from '../../src/families/linux/expect.ts';
import { type Facts, parseFacts } from '../../src/verify/facts.ts';
import { defaultUser, judgeSealed, questions } from '../../src/verify/sealed.ts';

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
  expect(sealed('', '@@ kickstarts\nrootpw --iscrypted $6$x$y')).toEqual(['leftovers']);
  expect(sealed('', '@@ disabled\n/etc/cloud/cloud-init.disabled')).toEqual(['cloud-init']);
  expect(sealed('', '@@ space\nfrsize: 4096\nbavail: 22748')).toEqual(['space']);
});

test('of what Anaconda leaves of its kickstart, lines with passwords are asked for', () => {
  const asked = questions(anyLinux, 'x').find((words) => Array.isArray(words) && words.at(-1) === '/root/*-ks.cfg');
  const [, , pattern = ''] = asked as readonly string[];
  const secret = ['rootpw --iscrypted $6$salt$hash', 'user --name=a --password=x', 'part / --encrypted --passphrase x'];
  const harmless = ['rootpw --lock --iscrypted nope', '# rootpw --plaintext secret', 'auth --passalgo=sha512'];
  const input = [...secret, ...harmless].join('\n');
  expect(spawnSync('grep', ['-E', pattern], { input, encoding: 'utf8' }).stdout.trim().split('\n')).toEqual(secret);
});

test('a cloud.cfg that is no YAML names no user', () => {
  const user = (text: string) => defaultUser(parseFacts(`@@ config\n${text}\n@@ end`) as Facts);
  expect(user('system_info:\n  default_user:\n    name: debian')).toBe('debian');
  expect(user('a: 1\na: 2\n: [')).toBeUndefined();
});
