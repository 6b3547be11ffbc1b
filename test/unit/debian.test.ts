import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { DebianRecipe } from '../../src/families/debian/recipe.ts';
import { familyOf, loadRecipe } from '../../src/families/index.ts';
import { leftoversNote } from '../../src/families/linux/leftovers.ts';
import { sharedFile } from '../../src/families/linux/scripts.ts';
import { makePlan } from '../../src/pipeline/plan.ts';
import { everything as allOf, fakeGuest } from '../support/fake-guest.ts';
import { filesOf, host, planInput } from '../support/plan-input.ts';
import { argsOf, rendered, words } from '../support/rhel.ts';

const folder = join(tmpdir(), 'debian');
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, 'key.asc'), 'a key');
writeFileSync(join(folder, 'ca.pem'), '-----BEGIN CERTIFICATE-----\n');

const least = 'name: x\nfamily: debian\nrelease: "12"\nsource: { image: /x.qcow2 }\n';

async function debianRecipe(more = '', base = least): Promise<DebianRecipe> {
  const path = join(folder, 'x.yaml');
  writeFileSync(path, base + more);
  return (await loadRecipe(path, {})).recipe as DebianRecipe;
}

/** Every key that changes what is rendered. */
const everything = `
mirror: { archive: 'http://mirror.example.com/debian', security: 'https://snapshot.example.com/debian-security/20260101T000000Z', keep: true }
repositories:
  - { id: internal, uri: 'https://apt.example.com', suites: [bookworm], components: [main], key: key.asc }
  - { id: flat, uri: 'https://apt.example.com/flat', suites: [./], keep: true }
proxy: { url: 'http://proxy.example.com:3128', user: me, password: { env: PROXY } }
caCertificates: [ca.pem]
packages: ['chrony=4.3-2+deb12u1', 'curl/bookworm-updates', 'libc6:i386', qemu-guest-agent]
cloudInit: { user: admin, rootLogin: password }
rootPassword: { env: ROOT }
customize: [{ run: 'touch /etc/own' }]
`;

/** After a change that is meant: `npx vitest run --project unit debian.test -u`. */
describe.each([
  ['least', least, ''],
  ['everything', least, everything],
  ['ubuntu', least.replace('release: "12"', 'distribution: ubuntu\nrelease: "24.04"'), 'update: false\n'],
])('%s', (name, base, more) => {
  test('is rendered and run as reviewed', async () => {
    const recipe = await debianRecipe(more, base);
    const family = familyOf(recipe);
    for (const file of family.render(recipe)) {
      await expect(file.text, file.name).toMatchFileSnapshot(`golden/debian-${name}/${file.name}`);
      if (file.name.endsWith('.sh')) execFileSync('sh', ['-n'], { input: file.text });
    }
    const work = [family.customize(recipe, filesOf(recipe)), family.sysprep(recipe, filesOf(recipe))];
    const lines = work
      .flatMap((each) => ('args' in each ? words(each.args) : [`omitted: ${each.omitted}`]))
      .concat(family.notes(recipe).map((note) => `note: ${note}`))
      .concat(Object.entries(family.properties(recipe)).map(([key, value]) => `${key}=${value}`));
    await expect(`${lines.join('\n').replaceAll(folder, '')}\n`).toMatchFileSnapshot(`golden/debian-${name}/arguments`);
  });
});

test('it is never installed: the disk is an overlay on the cloud image', async () => {
  const recipe = await debianRecipe('disk: { size: 20G }\n');
  const image = { source: '/x.qcow2', path: '/x.qcow2', sha256: 'a'.repeat(64), size: 1 };
  const plan = makePlan(planInput(recipe, { media: { image } }));
  const [disk, install] = plan.stages;
  expect(disk?.commands[0]?.args).toContainEqual({ file: '/x.qcow2', sha256: image.sha256 });
  expect(install).toMatchObject({ stage: 'install', forecast: 'skip', because: 'the source is a ready image' });
});

test.each([
  ['update: false\nproxy: { url: "http://p:3128" }', 'proxy: nothing is registered'],
  ['update: false\nmirror: { archive: "http://m/debian" }', 'mirror: nothing is registered'],
  ['proxy: { url: "http://p:3128", password: { env: P } }', 'proxy.password: a password goes with proxy.user'],
])('a key that nothing would come of is named: %s', async (more, problem) => {
  await expect(debianRecipe(`${more}\n`)).rejects.toThrow(problem);
});

test('an archive that the image is to keep is written, whether or not anything is fetched from it', async () => {
  const recipe = await debianRecipe('update: false\nmirror: { archive: "http://m/debian", keep: true }\n');
  expect(rendered(recipe, 'packages.sh').text).toContain('http://m/debian');
});

test('trusted certificates end in .crt, which update-ca-certificates asks for', async () => {
  const recipe = await debianRecipe('caCertificates: [ca.pem]\n');
  const args = words(argsOf(familyOf(recipe).customize(recipe, filesOf(recipe))));
  expect(args.join(' ')).toContain('/usr/local/share/ca-certificates/ca.pem.crt');
});

test.each([
  ['', 20 * 3600],
  ['update: false\n', undefined],
  ['update: { maxAge: 7d }\n', 7 * 86_400],
  ["mirror: { archive: 'https://snapshot.example.com/debian/20260101T000000Z/' }\n", undefined],
  [
    "mirror: { archive: 'https://s.example.com/debian/20260101T000000Z/', security: 'https://s.example.com/now' }\n",
    20 * 3600,
  ],
])('updates of a snapshot never age: %s', async (more, age) => {
  const recipe = await debianRecipe(more);
  expect(familyOf(recipe).maxAge(recipe)).toBe(age);
});

test.each([
  [
    'release: "12"',
    'release: "24.04"',
    'x.yaml:3:10 release: expected a release of debian in quotes (11, 12, 13), got "24.04"',
  ],
  ['release: "12"', 'release: 12', 'x.yaml:3:10 release: expected a release in quotes like "12", got 12'],
  ['', 'packages: [Foo]\n', 'packages.0: expected a package as apt-get knows it'],
  ['', "mirror: { archive: 'http://me:secret@x/' }\n", 'without a user and password in it'],
  ['', 'install: { timeout: 5m }\n', 'install'],
])('a recipe is refused where it is wrong: %s', async (from, to, message) => {
  const text = from === '' ? least + to : least.replace(from, to);
  await expect(debianRecipe('', text)).rejects.toThrow(message);
});

/** What GRUB_CMDLINE_LINUX and GRUB_CMDLINE_LINUX_DEFAULT are after the files before and ours were sourced. */
async function kernelLine(before: string): Promise<string[]> {
  const script = rendered(await debianRecipe(), 'kernel.sh').text;
  const [, ours = ''] = /<<'GRUB'\n([^]*?)\nGRUB\n/.exec(script) ?? [];
  const print = 'printf "%s\\n" "$GRUB_CMDLINE_LINUX" "$GRUB_CMDLINE_LINUX_DEFAULT"';
  return execFileSync('sh', ['-eu', '-c', `${before}\n${ours}\n${print}`], { encoding: 'utf8' })
    .split('\n')
    .slice(0, 2);
}

test('whatever the image has on its kernel line stays, but for its consoles; ours come last', async () => {
  const consoles = 'console=tty0 console=ttyS0,115200n8';
  await expect(kernelLine('')).resolves.toEqual([consoles, '']);
  await expect(
    kernelLine('GRUB_CMDLINE_LINUX="console=tty0 console=ttyS0,115200 earlyprintk=ttyS0,115200 consoleblank=0"'),
  ).resolves.toEqual([`consoleblank=0 ${consoles}`, '']);
  const word = fc
    .stringMatching(/^[a-z*?][A-Za-z0-9_.,:=*?[\]-]{0,12}$/)
    .filter((text) => !/^(console|earlyprintk)=/.test(text));
  await fc.assert(
    fc.asyncProperty(fc.array(word, { maxLength: 5 }), fc.array(word, { maxLength: 3 }), async (always, usually) => {
      const before = `GRUB_CMDLINE_LINUX='${always.join('  ')} console=ttyAMA0'\nGRUB_CMDLINE_LINUX_DEFAULT='console=tty1 ${usually.join(' ')}'`;
      expect(await kernelLine(before)).toEqual([[...always, consoles].join(' '), usually.join(' ')]);
    }),
    { numRuns: 30 },
  );
});

test('the certificate that ssl-cert has made goes, with the name that OpenSSL finds it by', async () => {
  const guest = fakeGuest();
  for (const path of ['tmp/x', 'var/tmp/x', 'etc/ssl/certs/ssl-cert-snakeoil.pem']) guest.write(path, 'x');
  guest.write('etc/ssl/certs/ca.pem', 'x');
  guest.link('etc/ssl/certs/12345678.0', 'ssl-cert-snakeoil.pem');
  guest.link('etc/ssl/certs/9abcdef0.0', 'ca.pem');
  for (const name of ['fstrim', 'sync']) guest.command(name);
  expect(guest.run(rendered(await debianRecipe(), 'seal.sh').text).status).toBe(0);
  expect(readdirSync(guest.path('etc/ssl/certs'))).toEqual(['9abcdef0.0', 'ca.pem']);
});

test('a cloud image that was booted keeps nothing of it but what source.keep names, and its link to the resolver', async () => {
  const guest = fakeGuest();
  for (const path of [
    ...['etc/netplan/50-cloud-init.yaml', 'etc/network/interfaces.d/50-cloud-init', 'etc/hostname'],
    ...['etc/apt/apt.conf.d/90cloud-init-aptproxy', 'etc/udev/rules.d/10-cloud-init-hook-hotplug.rules'],
    ...['usr/share/ca-certificates/cloud-init-ca-certs.crt', 'home/debian/.ssh/authorized_keys'],
    ...['etc/netplan/60-own.yaml', 'etc/apt/apt.conf.d/70debconf'],
  ])
    guest.write(path, 'x');
  guest.write('etc/ca-certificates.conf', 'mozilla/x.crt\ncloud-init-ca-certs.crt\n');
  const managed = "# Your system has configured 'manage_etc_hosts' as True.\n";
  guest.write('etc/hosts', `${managed}127.0.1.1 first.example.com first\n127.0.0.1 localhost\nff02::1 ip6-allnodes\n`);
  for (const path of ['etc/passwd', 'etc/shadow']) guest.write(path, '');
  guest.command('update-ca-certificates');
  const recipe = await debianRecipe('', least.replace('/x.qcow2', "/x.qcow2, keep: ['/etc/hostname']"));
  expect(guest.run(rendered(recipe, 'leftovers.sh').text)).toMatchObject({
    status: 0,
    calls: ['update-ca-certificates'],
  });
  const stays = ['apt/apt.conf.d/70debconf', 'ca-certificates.conf', 'hostname', 'hosts', 'netplan/60-own.yaml'];
  expect(allOf(guest)).toEqual([...stays, 'passwd', 'shadow'].map((name) => `etc/${name}`));
  expect(guest.read('etc/ca-certificates.conf')).toBe('mozilla/x.crt\n');
  expect(guest.read('etc/hosts')).toBe(`${managed}127.0.0.1 localhost\nff02::1 ip6-allnodes\n`);
  expect(words(argsOf(familyOf(recipe).sysprep(recipe, filesOf(recipe))))).not.toContain('--delete');
  expect(familyOf(recipe).notes(recipe)).toContain(leftoversNote);
});

test.each([
  ['boot/grub/grub.cfg', 'linux /vmlinuz cloud-init=disabled ro\n'],
  ['etc/default/grub.d/50-own.cfg', 'GRUB_CMDLINE_LINUX="cloud-init=disabled"\n'],
])('an image in which cloud-init would not run is refused: %s', async (path, text) => {
  const check = sharedFile('check.sh', { metadata: false }).text;
  const guest = fakeGuest();
  guest.write('lib/systemd/system/cloud-init.service', '');
  expect(guest.run(check).output).toContain('its services are disabled');
  guest.link('etc/systemd/system/cloud-init.target.wants/cloud-init.service', '/lib/systemd/system/cloud-init.service');
  expect(guest.run(check)).toMatchObject({ status: 0, output: '' });
  guest.write(path, text);
  expect(guest.run(check)).toMatchObject({
    status: 1,
    output: expect.stringContaining(`/${path} has the kernel argument`),
  });
});

test('its cloud image may need no UEFI, and says nothing of the firmware of an instance', async () => {
  const recipe = await debianRecipe();
  expect(familyOf(recipe).machine(recipe)).toEqual({ uefi: false, secureBoot: false, tpm: false });
  const plan = makePlan(planInput(recipe, { host, media: {} }));
  expect(JSON.stringify(plan)).not.toContain('hw_firmware_type');
  expect(JSON.stringify(plan)).toContain('"os_distro":"debian"');
});
