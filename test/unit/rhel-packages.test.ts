import { createHash } from 'node:crypto';
import { repositoriesOf } from '../../src/describe/repositories.ts';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fillHoles } from '../../src/answers/holes.ts';
import { familyOf } from '../../src/families/index.ts';
import type { SecretRef } from '../../src/model.ts';
import { type FakeGuest, fakeGuest } from '../support/fake-guest.ts';
import { filesOf } from '../support/plan-input.ts';
import { argsOf, recipeFolder, rendered, rhelRecipe, words } from '../support/rhel.ts';

const secrets: Record<string, string> = { U: 'me', P: "it's $HOME `x`", ORG: '123', KEY: 'a key', PROXY: 'p@:/%' };
const read = (secret: SecretRef) => ('env' in secret ? (secrets[secret.env] ?? '') : '');
const account = 'username: { env: U }, password: { env: P }';
const script = async (recipe: string, from = read) =>
  fillHoles(rendered(await rhelRecipe(recipe), 'packages.sh'), from);

function guestWith(commands: Record<string, string> = {}): FakeGuest {
  const guest = fakeGuest();
  guest.write('etc/yum.repos.d/redhat.repo', '');
  for (const name of ['subscription-manager', 'yum', 'rpm', 'sync']) guest.command(name, commands[name]);
  return guest;
}

test('the way of the guide: register, attach, enable, update, install, and take it all back', async () => {
  const recipe = `subscription: { ${account}, attach: 8a85f98c60, repositories: [rhel-7-server-rpms] }\npackages: [cloud-init, "@debugging"]\n`;
  const { status, calls, output } = guestWith().run(await script(recipe));
  expect(calls).toEqual([
    "subscription-manager register --name=vmkiln --username=me --password=it's $HOME `x`",
    'sync ',
    'subscription-manager attach --pool=8a85f98c60',
    'subscription-manager repos --enable=rhel-7-server-rpms',
    'yum -y update',
    'yum -y install cloud-init',
    'yum -y install @debugging',
    'rpm -q --whatprovides cloud-init',
    'subscription-manager repos --disable=*',
    'subscription-manager unregister',
    'yum clean all',
  ]);
  expect(status).toBe(0);
  expect(output).toContain('vmkiln: registering\n');
  expect(output).not.toContain(secrets['P']);
});

test.each([
  [`subscription: { ${account}, attach: auto }`, 'subscription-manager attach --auto'],
  [
    `subscription: { organization: { env: ORG }, activationKey: { env: KEY } }`,
    'subscription-manager register --name=vmkiln --org=123 --activationkey=a key',
  ],
  [
    `subscription: { organization: "7", activationKey: { env: KEY } }`,
    'subscription-manager register --name=vmkiln --org=7 --activationkey=a key',
  ],
])('%s', async (recipe, call) => {
  const { status, calls } = guestWith().run(await script(`${recipe}\n`));
  expect(calls).toContain(call);
  expect(status).toBe(0);
});

test('under Simple Content Access nothing is attached, and without an update nothing is updated', async () => {
  const { calls } = guestWith().run(await script(`subscription: { ${account} }\nupdate: false\n`));
  expect(calls.filter((call) => /attach|update/.test(call))).toEqual([]);
});

test.each(['register', 'attach', 'repos', 'yum -y update', 'yum -y install', 'rpm -q'])(
  'when "%s" fails it unregisters and fails',
  async (failing) => {
    const [program = '', ...rest] = failing.split(' ');
    const body = (word: string) => `case "$*" in ${word}*) exit 3;; esac`;
    const guest = guestWith(
      rest.length > 0 ? { [program]: body(rest.join('" "')) } : { 'subscription-manager': body(program) },
    );
    const recipe = `subscription: { ${account}, attach: auto, repositories: [a] }\npackages: [cloud-init]\n`;
    const { status, calls, output } = guest.run(await script(recipe));
    expect(status).not.toBe(0);
    expect(calls.at(-1)).toBe('subscription-manager unregister');
    expect(output).toContain('vmkiln: unregistering after a failure');
  },
);

test('a registration that never came about is not taken back; one that came half-way is', async () => {
  const recipe = await script(`subscription: { ${account} }\n`);
  const guest = guestWith({ 'subscription-manager': 'exit 70' });
  const { status, calls, output } = guest.run(recipe);
  expect(status).toBe(70);
  expect(calls.slice(1)).toEqual(['subscription-manager identity']);
  expect(output).not.toContain('unregister');
  guest.write('etc/pki/consumer/cert.pem', '');
  const halfWay = guest.run(recipe);
  expect(halfWay.calls.at(-1)).toBe('subscription-manager unregister');
  expect(halfWay.output).toContain('could not unregister: remove the consumer vmkiln at');
});

test('a package that yum passed over is named', async () => {
  const guest = guestWith({ rpm: 'case "$*" in *growpart) exit 1;; esac' });
  const recipe = `repositories: [{ id: mine, baseurl: "http://mirror/x" }]\npackages: [cloud-init, cloud-utils-growpart]\n`;
  const { status, output } = guest.run(await script(recipe));
  expect(status).toBe(1);
  expect(output).toContain('vmkiln: not installed: cloud-utils-growpart\n');
});

test('a package may be named with its architecture, which is no capability', async () => {
  const guest = guestWith({ rpm: 'case "$*" in *whatprovides*) exit 1;; esac' });
  const recipe = `repositories: [{ id: mine, baseurl: "http://mirror/x" }]\npackages: [glibc.i686]\n`;
  expect(guest.run(await script(recipe)).status).toBe(0);
});

const url = 'https://dl.example.com/epel-release-latest-9.noarch.rpm';
const every = `packages:
  - cloud-init
  - "@Development Tools"
  - "@^minimal-environment"
  - python3.11*
  - ${url}
  - bind-32:9.11.4-26.el7.x86_64
  - openssl-1:1.0.2k-26.el7_9.x86_64
  - perl(Data::Dumper)
  - /usr/bin/wget
  - kernel >= 5.14
  - foo-1.0~rc1
`;
const provided = [
  ...[
    'cloud-init',
    'bind-9.11.4-26.el7.x86_64',
    'openssl-1.0.2k-26.el7_9.x86_64',
    'perl(Data::Dumper)',
    '/usr/bin/wget',
  ],
  ...['kernel', 'foo-1.0~rc1'],
];
const asked = provided.map((name) => `rpm -q --whatprovides ${name}`);
const plain =
  'cloud-init bind-32:9.11.4-26.el7.x86_64 openssl-1:1.0.2k-26.el7_9.x86_64 perl(Data::Dumper) /usr/bin/wget kernel >= 5.14 foo-1.0~rc1';

test('yum is asked by itself for what rpm cannot tell afterwards: it passes over what it does not find', async () => {
  const calls = guestWith()
    .run(await script(every))
    .calls.slice(0, 5 + asked.length);
  const alone = ['@Development Tools', '@^minimal-environment', 'python3.11*', url].map(
    (word) => `yum -y install ${word}`,
  );
  expect(calls).toEqual([`yum -y install ${plain}`, ...alone, ...asked]);
  for (const failing of alone) {
    const guest = guestWith({
      yum: `case "$*" in "${failing.slice(4)}") exit 1;; esac`,
      rpm: 'case "$*" in -qp* | "-q ") exit 1;; esac',
    });
    expect(guest.run(await script(every)).status, failing).not.toBe(0);
  }
  // yum also fails for an RPM that is installed already.
  const there = guestWith({ yum: 'case "$*" in *.rpm) exit 1;; esac', rpm: 'case "$*" in -qp*) echo epel-9;; esac' });
  const { status, calls: asks } = there.run(await script(every));
  expect(status).toBe(0);
  expect(asks).toContain('rpm -q epel-9');
});

test('the metadata that packages came from are noted before the caches go', async () => {
  for (const [release, tool, path, name] of [
    ['9.6', 'dnf', 'var/cache/dnf/baseos-0123456789abcdef/repodata/repomd.xml', 'baseos/repomd.xml'],
    ['7.9', 'yum', 'var/cache/yum/x86_64/7Server/base/repomd.xml', 'base/repomd.xml'],
  ] as const) {
    const guest = fakeGuest();
    for (const each of ['dnf', 'yum', 'rpm']) guest.command(each);
    guest.command(tool, `[ "$1" != clean ] || rm ${guest.path(path)}`);
    guest.write(path, '<repomd/>');
    const recipe = await rhelRecipe('packages: [cloud-init]\n', release);
    expect(guest.run(rendered(recipe, 'packages.sh').text).status).toBe(0);
    expect(guest.read(path)).toBeUndefined();
    const noted = (guest.read('var/lib/vmkiln/repositories') ?? '').replace(guest.path(''), '/');
    expect(repositoriesOf(noted)).toEqual([{ name, sha256: createHash('sha256').update('<repomd/>').digest('hex') }]);
  }
});

test('dnf finds all of them or fails, knows modules, and environments as groups', async () => {
  const guest = fakeGuest();
  for (const name of ['dnf', 'rpm']) guest.command(name);
  const recipe = await rhelRecipe(`${every}  - "@nodejs:20/common"\n`, '9.6');
  const { status, calls } = guest.run(fillHoles(rendered(recipe, 'packages.sh'), read));
  expect(status).toBe(0);
  expect(calls).toEqual([
    `dnf -y install cloud-init @Development Tools @minimal-environment python3.11* ${url} ${plain.slice(11)} @nodejs:20/common`,
    ...asked,
    'dnf clean all',
  ]);
});

test('an RPM of the user’s own comes from beside the recipe, and leaves nothing behind', async () => {
  const rpm = join(recipeFolder(), 'agent-1-1.noarch.rpm');
  writeFileSync(rpm, Buffer.from('edabeedb0300', 'hex'));
  const recipe = await rhelRecipe('packages: [cloud-init, agent-1-1.noarch.rpm]\n', '9.6');
  expect(familyOf(recipe).files(recipe)).toEqual([rpm]);
  expect(words(argsOf(familyOf(recipe).customize(recipe, filesOf(recipe))))).toContain(
    `<${rpm}>:/var/tmp/vmkiln-packages/agent-1-1.noarch.rpm`,
  );
  const guest = fakeGuest();
  for (const name of ['dnf', 'rpm']) guest.command(name);
  guest.write('var/tmp/vmkiln-packages/agent-1-1.noarch.rpm', '');
  const { calls } = guest.run(rendered(recipe, 'packages.sh').text);
  expect(calls[0]).toBe('dnf -y install cloud-init /var/tmp/vmkiln-packages/agent-1-1.noarch.rpm');
  expect(guest.read('var/tmp/vmkiln-packages/agent-1-1.noarch.rpm')).toBeUndefined();
  writeFileSync(rpm, 'no RPM');
  await expect(rhelRecipe('packages: [agent-1-1.noarch.rpm]\n')).rejects.toThrow('is no RPM');
  await expect(rhelRecipe('packages: [gone.rpm]\n')).rejects.toThrow('there is no file');
});

test.each([
  ['"-kernel"', '9.6', 'remove one with a step'],
  ['"(foo if bar)"', '9.6', 'expected a package'],
  ['"a b"', '9.6', 'expected a package'],
  ['"@"', '9.6', 'expected a package'],
  ['"https://me:pw@x/y.rpm"', '9.6', 'without a user and password'],
  ['"@nodejs:20"', '7.9', 'RHEL 7 has no modules'],
  ['"@^minimal"', '6.10', 'RHEL 6 has no environments'],
  ['"1:openssl-3.2.2"', '9.6', 'takes an epoch before the version only'],
  ['"1:openssl-1.0.2k"', '7.9', 'takes an epoch in a whole name only'],
  ['"openssl-1:1.0.2k-26.el7_9"', '7.9', 'takes an epoch in a whole name only'],
])('the package %s is refused in RHEL %s', async (name, release, problem) => {
  await expect(rhelRecipe(`packages: [${name}]\n`, release)).rejects.toThrow(problem);
});

test('a user of several organizations names one, and an environment of it; a minor release is held', async () => {
  const more = `subscription: { ${account}, organization: { env: ORG }, environment: Library, release: "7.9" }\nupdate: false\n`;
  const { calls } = guestWith().run(await script(more));
  expect(calls.slice(0, 3)).toEqual([
    "subscription-manager register --name=vmkiln --username=me --password=it's $HOME `x` --org=123 --environment=Library",
    'sync ',
    'subscription-manager release --set=7.9',
  ]);
  for (const held of ['8.1', '7.8']) {
    await expect(rhelRecipe(more.replace('"7.9"', `"${held}"`))).rejects.toThrow(
      `subscription.release: expected a minor release of 7 from 7.9 on, got ${held}`,
    );
  }
});

test('repositories of the recipe are there while packages are installed, and stay only if they are to be kept', async () => {
  const guest = guestWith({
    yum: 'cat "$(dirname "$0")/../etc/yum.repos.d/mine.repo" >> "$(dirname "$0")/../seen" 2> /dev/null || true',
  });
  const recipe = `repositories:
  - { id: mine, baseurl: "http://mirror/$releasever?a='b'&c", gpgcheck: false }
  - { id: stays, name: It stays, baseurl: "file:///srv", gpgkey: "http://mirror/key", keep: true }
packages: [cloud-init]
`;
  expect(guest.run(await script(recipe)).status).toBe(0);
  const mine = "[mine]\nname=mine\nbaseurl=http://mirror/$releasever?a='b'&c\nenabled=1\ngpgcheck=0\n";
  expect(guest.read('seen')).toContain(mine);
  expect(guest.read('etc/yum.repos.d/mine.repo')).toBeUndefined();
  expect(guest.read('etc/yum.repos.d/stays.repo')).toBe(
    '[stays]\nname=It stays\nbaseurl=file:///srv\nenabled=1\ngpgcheck=1\ngpgkey=http://mirror/key\n',
  );
});

test('on a host that reaches nothing but a mirror the repositories of the distribution are left alone', async () => {
  const mirror =
    'distribution: rocky\nrepositories: [{ id: base, baseurl: "http://m/b" }, { id: app, baseurl: "http://m/a" }]\n';
  const more = `${mirror}distributionRepositories: false\npackages: [cloud-init]\n`;
  const guest = fakeGuest();
  for (const name of ['dnf', 'rpm']) guest.command(name);
  guest.write('etc/yum.repos.d/rocky.repo', '');
  const { calls } = guest.run(rendered(await rhelRecipe(more, '9.6'), 'packages.sh').text);
  const only = '--disablerepo=* --enablerepo=base --enablerepo=app';
  expect(calls.slice(0, 2)).toEqual([`dnf -y ${only} update`, `dnf -y ${only} install cloud-init`]);
  const { calls: old } = guestWith().run(
    rendered(await rhelRecipe(more.replace('rocky', 'centos').replace('[cloud-init]', '["@core"]')), 'packages.sh')
      .text,
  );
  expect(old).toContain(`yum -y ${only} install @core`);
  for (const [lacking, problem] of [
    ['distributionRepositories: false\npackages: [x]\n', 'expected repositories too: without them there is nothing'],
    [`${more.replace('distribution: rocky\n', '')}subscription: { ${account} }\n`, 'expected no subscription'],
    [`update: false\n${more.replace('packages: [cloud-init]\n', '')}`, 'nothing is updated or installed'],
  ] as const)
    await expect(rhelRecipe(lacking, '9.6')).rejects.toThrow(`distributionRepositories: ${problem}`);
});

test('a Satellite is configured for the registration, and its traces are removed', async () => {
  writeFileSync(join(recipeFolder(), 'ca.pem'), '-----BEGIN CERTIFICATE-----\n');
  const more = `subscription:
  organization: { env: ORG }
  activationKey: { env: KEY }
  serverUrl: https://satellite.example.com/rhsm
  contentUrl: https://satellite.example.com/pulp/repos
  caCertificate: ca.pem
`;
  const recipe = await rhelRecipe(more);
  expect(words(argsOf(familyOf(recipe).customize(recipe, filesOf(recipe))))).toContain(
    `<${recipeFolder()}/ca.pem>:/etc/rhsm/ca/vmkiln-server.pem`,
  );
  const guest = guestWith({ 'subscription-manager': 'echo changed >> "$(dirname "$0")/../etc/rhsm/rhsm.conf"' });
  guest.write('etc/rhsm/rhsm.conf', '[server]\n\n');
  guest.write('etc/rhsm/ca/vmkiln-server.pem', 'pem');
  const { status, calls } = guest.run(await script(more));
  expect(status).toBe(0);
  expect(calls[0]).toBe('subscription-manager config --rhsm.repo_ca_cert=/etc/rhsm/ca/vmkiln-server.pem');
  expect(calls[1]).toContain(
    '--serverurl=https://satellite.example.com/rhsm --baseurl=https://satellite.example.com/pulp/repos',
  );
  expect(guest.read('etc/rhsm/rhsm.conf')).toBe('[server]\n\n');
  expect(guest.read('etc/rhsm/ca/vmkiln-server.pem')).toBeUndefined();
});

test('a proxy reaches subscription-manager and yum without being written to the guest', async () => {
  const recipe = `subscription: { ${account} }\nproxy: { url: "http://proxy:3128/", user: "a b", password: { env: PROXY } }\n`;
  const guest = guestWith({ yum: `echo "proxy $https_proxy" >> "$(dirname "$0")/../calls"` });
  const { status, calls } = guest.run(await script(recipe));
  expect(status).toBe(0);
  expect(calls).toContain('subscription-manager unregister --proxy=proxy:3128 --proxyuser=a b --proxypassword=p@:/%');
  expect(calls).toContain('proxy http://%61%20%62:%70%40%3a%2f%25@proxy:3128');
});

test('no password breaks out of its word', async () => {
  const recipe = `subscription: { ${account} }\nupdate: false\n`;
  const password = fc.string({ unit: 'grapheme-ascii', minLength: 1 });
  await fc.assert(
    fc.asyncProperty(password, async (value) => {
      const guest = guestWith({ 'subscription-manager': 'printf "%s" "$4" > "$(dirname "$0")/../password-$1"' });
      const { status } = guest.run(await script(recipe, () => value));
      expect(status).toBe(0);
      expect(guest.read('password-register')).toBe(`--password=${value}`);
    }),
    { numRuns: 20, examples: [["'; touch /x; '"], ['$(id)'], ['-'], ['\\']] },
  );
});

test('without a subscription, repositories and packages there is nothing to run', async () => {
  const recipe = await rhelRecipe('');
  expect(
    familyOf(recipe)
      .render(recipe)
      .map(({ name }) => name),
  ).toEqual(['ks.cfg', '99_vmkiln.cfg', 'kernel.sh', 'guest.sh', 'identity.sh', 'identity.service', 'seal.sh']);
  expect(familyOf(recipe).customize(recipe, filesOf(recipe))).toMatchObject({ omitted: expect.any(String) });
});
