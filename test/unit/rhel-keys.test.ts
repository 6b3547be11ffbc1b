import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { familyOf } from '../../src/families/index.ts';
import { host, media } from '../support/plan-input.ts';
import { argsOf, readyRecipe, recipeFolder, rendered, rhelRecipe, words } from '../support/rhel.ts';

const own = join(recipeFolder(), 'own.ks');
writeFileSync(own, 'lang {{sh language}}\n# {{variables.site}}\n');

test.each([
  ['language: de_DE.UTF-8', 'language'],
  ['keyboard: de', 'keyboard'],
  ['timezone: Europe/Berlin', 'timezone'],
  ['machine: { memory: 8G, firmware: uefi }', 'machine.memory'],
  ['machine: { vcpus: 4 }', 'machine.vcpus'],
  ['install: { timeout: 10m }', 'install.timeout'],
  ['install: { kernelArguments: [fips=1] }', 'install.kernelArguments'],
])('a ready image is not installed: %s has no effect', async (more, key) => {
  await expect(readyRecipe('', '9.6', `${more}\n`)).rejects.toThrow(
    `${key}: a ready image is not installed: leave ${key} out`,
  );
});

test.each([
  ['install: { kickstart: own.ks }\ntimezone: Europe/Berlin', `timezone: the kickstart ${own} has no {{timezone}}`],
  ['install: { kickstart: own.ks, variables: { sight: x } }', 'has no {{variables.sight}}'],
  ['install: { variables: { site: x } }', 'rhel7.ks.hbs has no {{variables.site}}'],
  ['proxy: { url: "http://p:3128" }', 'proxy: nothing is registered, updated or installed'],
  ['packages: [x]\nproxy: { url: "http://p:3128", password: { env: P } }', 'proxy.password: a password goes with'],
  ['update: false\nrepositories: [{ id: r, baseurl: "http://r/" }]', 'repositories: nothing is registered'],
  ['output: { format: raw, compression: zlib }', 'output.compression: expected none'],
  [
    'subscription: { organization: o, activationKey: { env: K }, environment: e }',
    'subscription.environment: an activation key has its environment',
  ],
])('a key that nothing would come of is named: %s', async (more, problem) => {
  await expect(rhelRecipe(`${more}\n`)).rejects.toThrow(problem);
});

test('what a kickstart uses, and what is only a default, is no mistake', async () => {
  const more = 'language: de_DE.UTF-8\ninstall: { kickstart: own.ks, variables: { site: x } }\n';
  expect((await rhelRecipe(more)).timezone).toBe('Etc/UTC');
  await readyRecipe('', '9.6', 'machine: { firmware: uefi }\n');
  // An image that keeps a repository needs nothing else to be given it.
  const kept = await rhelRecipe('update: false\nrepositories: [{ id: r, baseurl: "http://r/", keep: true }]\n');
  expect(rendered(kept, 'packages.sh').text).toContain('/etc/yum.repos.d/r.repo');
});

test.each([
  ['timezone: Europe/Berln', 'got "Europe/Berln", did you mean "Europe/Berlin"?'],
  ['timezone: europe/berlin', 'got "europe/berlin"'],
  ['timezone: "+02:00"', 'got "+02:00"'],
  ['language: en_UK.UTF-8', 'got "en_UK.UTF-8", did you mean "en_'],
  ['language: en_US.UFT-8', 'did you mean "en_US.UTF-8"?'],
  ['keyboard: gremany', 'expected a keyboard layout like us, got "gremany"'],
  ['keyboard: de-nodeadkys', 'did you mean "de-nodeadkeys"?'],
])('%s is no value of its set', async (more, problem) => {
  await expect(rhelRecipe(`${more}\n`)).rejects.toThrow(problem);
});

test.each([
  'timezone: Asia/Calcutta',
  'timezone: America/Port-au-Prince',
  'timezone: UTC',
  'timezone: Etc/GMT+5',
  'language: C.UTF-8',
  'language: sr_RS.utf8@latin',
  'language: de_DE',
  'language: de_DE.ISO-8859-15@euro',
  'keyboard: fr-latin9',
  'keyboard: de-latin1-nodeadkeys',
  'keyboard: jp',
  'subscription: { username: { env: U }, password: { env: P }, repositories: ["rhel-7-*-rpms"] }',
  'customize: [{ upload: { from: own.ks, to: /opt/x, owner: "1000:Svc.App" } }]',
])('%s is one', async (more) => {
  await expect(rhelRecipe(`${more}\n`)).resolves.toMatchObject({ name: 'x' });
});

test.each([
  ['a'.repeat(63), 'got 63 digits'],
  [`sha256:${'a'.repeat(65)}`, 'got 65 digits'],
  [`${'a'.repeat(63)}g`, 'a digest with "g" in it'],
])('a digest of %s', async (sha256, problem) => {
  await expect(rhelRecipe('', '9.6', `{ iso: /x.iso, sha256: "${sha256}" }`)).rejects.toThrow(problem);
});

test('a digest may say what it is', async () => {
  const { source } = await rhelRecipe('', '9.6', `{ iso: /x.iso, sha256: "sha256:${'A'.repeat(64)}" }`);
  expect(source.sha256).toBe('a'.repeat(64));
});

const account = 'subscription: { username: { env: U }, password: { env: P } }\n';

test.each([
  ['http://proxy:99999', '9.6', '', 'a port from 1 to 65535'],
  ['http://proxy:0', '9.6', '', 'a port from 1 to 65535'],
  ['socks5://proxy:1080', '9.6', '', 'expected a proxy like'],
  ['http://me:pw@proxy:3128', '9.6', '', 'without a user and password'],
  ['https://proxy:3129', '7.9', '', 'yum cannot use a proxy by https://'],
  ['https://proxy:3129', '9.6', account, 'subscription-manager cannot use a proxy by https://'],
  ['http://[2001:db8::1]:3128', '7.9', account, 'subscription-manager cannot use a proxy by an IPv6 address'],
])('the proxy %s of RHEL %s is refused', async (url, release, more, problem) => {
  await expect(rhelRecipe(`packages: [x]\n${more}proxy: { url: "${url}" }\n`, release)).rejects.toThrow(problem);
});

test.each([
  ['http://proxy', '8.10', account, '--proxy=proxy:80', 'http://"$proxy_user"proxy:80'],
  ['https://proxy/', '9.6', '', '', 'https://"$proxy_user"proxy:443'],
  ['http://[::1]:3128', '9.6', account, "--proxy='[::1]:3128'", `http://"$proxy_user"'[::1]:3128'`],
  ['http://[::1]', '7.9', '', '', `http://"$proxy_user"'[::1]:80'`],
])('the proxy %s of RHEL %s is one to all', async (url, release, more, option, variable) => {
  const { text } = rendered(
    await rhelRecipe(`packages: [x]\n${more}proxy: { url: "${url}" }\n`, release),
    'packages.sh',
  );
  expect(text).toContain(option);
  expect(text).toContain(`http_proxy=${variable}\n`);
});

test('kernel arguments reach the installer, and those that are not its own the system', async () => {
  const more = 'install: { kernelArguments: [fips=1, inst.sshd, "ip=dhcp", "a.b=1/2"] }\n';
  const recipe = await rhelRecipe(more, '9.6');
  const { args } = familyOf(recipe).install(recipe, media, host) as { args: Parameters<typeof words>[0] };
  expect(words(args)[words(args).indexOf('--extra-args') + 1]).toContain(
    ' net.ifnames=0 biosdevname=0 fips=1 inst.sshd ip=dhcp a.b=1/2 console=tty0 ',
  );
  expect(rendered(recipe, 'ks.cfg').text).toContain("--append='net.ifnames=0 biosdevname=0 fips=1 a.b=1/2'\n");
  expect(rendered(recipe, 'kernel.sh').text).toContain(String.raw`|biosdevname=.*|fips=1|a\.b=1\/2)$/`);
  expect(argsOf(familyOf(recipe).sysprep(recipe, (file) => ({ file, sha256: '' })))).toContain('--run');
  for (const taken of ['inst.ks=cdrom:/ks', 'net.ifnames=1', 'console=ttyS1', 'a b', "a='b'"]) {
    await expect(rhelRecipe(`install: { kernelArguments: ["${taken}"] }\n`)).rejects.toThrow('kernel argument');
  }
});

test('the shipped kickstart of 7 brings what FIPS mode needs, which the installer of the others does', async () => {
  for (const [release, brought] of [
    ['7.9', true],
    ['6.10', false],
    ['9.6', false],
  ] as const) {
    const { text } = rendered(await rhelRecipe('install: { kernelArguments: [fips=1] }\n', release), 'ks.cfg');
    expect(text.includes('\ndracut-fips\n'), release).toBe(brought);
  }
});
