import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Document, parse, stringify } from 'yaml';
import { recipeSchema } from '../../src/families/index.ts';
import { meantPlaces } from '../../src/recipe/guesses.ts';
import { textOf } from '../../src/recipe/keys.ts';
import { formsOf, places, schemaOf } from '../../src/recipe/schema.ts';
import { debian, rhel, told, windows } from '../support/guessed.ts';

// Recipes as newcomers guess them, and what they are told.

test.each([
  [rhel, 'iso: a.iso', ': write source: { iso: … }'],
  [rhel, 'memory: 2G', ': write machine: { memory: … }'],
  [rhel, 'ram: 2048', ': write machine: { memory: … }'],
  [rhel, 'kickstart: a.ks', ': write install: { kickstart: … }'],
  [rhel, 'version: 9', ': write release'],
  [rhel, 'iso_url: a', ': write source: { iso: … }'],
  [rhel, 'iso-checksum: a', ': write source: { sha256: … }'],
  [rhel, 'disk_size: 10', ': write disk: { size: … }'],
  [rhel, 'extra-args: a', ': write install: { kernelArguments: […] }'],
  [rhel, 'rootpw: a', ': write rootPassword: { env: NAME }'],
  [rhel, 'output_directory: a', ': write upload: [{ directory: { path: … } }]'],
  [rhel, 'lang: de', ': write language'],
  [rhel, 'provisioners: []', ': write customize'],
  [rhel, 'os: rhel9', ': leave it out, family says it'],
  [rhel, 'distro: rocky', ': write distribution: rocky'],
  [rhel, 'boot_command: []', /nothing is typed .*: leave it out$/],
  [rhel, 'ssh_authorized_keys: []', /come from the cloud when an instance boots: leave it out$/],
  [rhel, 'selinux: off', ': a step does that: write customize: [{ run: COMMAND }]'],
  [rhel, 'customizations: {}', /stands at the top level of a recipe/],
  [rhel, 'cloud_init: {}', ', did you mean "cloudInit"?'],
  [rhel, 'volumes: []', /of a running machine, .*: leave it out$/],
  [rhel, 'elements: [vm]', /^: there are no elements: /],
  [rhel, 'recipe: { name: y }', /^: the keys below it stand at the top level of a recipe: /],
  [rhel, 'common: &c [a]', ': keys of your own begin with x-, write x-common'],
  [debian, 'subscription: {}', ': registration is for RHEL alone: leave it out'],
  [rhel, 'nonsense: 1', ': docs/recipe.md lists the keys that there are'],
  [rhel, 'directory: ./images', ': write upload: [{ directory: { path: … } }]'],
  [rhel, 'activationKey: a', ': write subscription: { activationKey: { env: NAME } }'],
  [rhel, 'snaps: [a]', /^: cloud-init installs snaps /],
  [rhel, 'resource: { a: b }', /^: a recipe is one image/],
  [windows, 'commands: [dir]', ': write install: { commands: […] }'],
  [windows, 'features: [a]', /^: a command does that: write install: \{ commands: /],
  [debian, 'iso: a.iso', ': write source: { image: … }'],
  [debian, 'memory: 2G', /^: nothing is installed, .*: leave it out$/],
  [debian, 'kickstart: a.ks', /^: nothing is installed, /],
  [debian, 'timezone: UTC', /^: a step does that: /],
  [windows, 'kickstart: a.ks', ': write install: { answerFile: … }'],
  [windows, 'packages: []', ': write install: { commands: […] }'],
  [windows, 'edition: a', ': write install: { image: … }'],
])('%#: %s has no key %s', async (base, line, expected) => {
  const key = line.split(':')[0];
  const [message, ...others] = await told(`${base}${line}\n`);
  expect(others).toEqual([]);
  const said = message?.replace(new RegExp(`^\\d+:1 unrecognised key "${key}"`), '');
  if (typeof expected === 'string') expect(said).toBe(expected);
  else expect(said).toMatch(expected);
});

test.each([
  [
    rhel,
    'machine: { ram: 2G, cpus: 2, efi: true }',
    ['ram": write memory', 'cpus": write vcpus', 'efi": write firmware'],
  ],
  [rhel, 'subscription: { org: a, pool: b }', ['org": write organization', 'pool": write attach']],
  [rhel, 'disk: { format: qcow2 }', ['format": write output: { format: … }']],
  [rhel, 'customize: [{ shell: a }]', ['shell": write run']],
  [rhel, 'customize: [{ copy: a }]', ['copy": write upload: { from: …, to: … }']],
  [rhel, 'customize: [{ upload: { src: a, dest: /b } }]', ['src": write from', 'dest": write to']],
  [rhel, 'customize: [{ run: a, name: b }]', ['name": a step has no name: write a comment above it']],
  [rhel, 'upload: [{ openstack: {} }]', ['openstack": write glance: { … }']],
  [
    rhel,
    'upload: [{ type: directory, path: a }]',
    ['path": write directory: { path: … }', 'type": the target is the key'],
  ],
  [rhel, 'customize: [{ dnf: a }]', ['dnf": write packages: […] at the top level of the recipe']],
  [rhel, 'customize: [{ script: a }]', ['script": write run: { script: … }']],
  [rhel, 'customize: [{ run: { inline: a } }]', ['inline": the command itself is the value: write run: COMMAND']],
  [rhel, 'verify: { checks: [{ cmd: a }] }', ['cmd": write run']],
  [rhel, 'hooks: { onSuccess: a }', ['onSuccess": write afterUpload']],
  [rhel, 'machine: { x-a: 1 }', ['x-a": keys of your own stand at the top level']],
  [debian, 'repositories: [{ id: a, url: "http://x/", suites: [a] }]', ['url": write uri']],
  [windows, 'customize: [{ run: a }]', ['run": write install: { commands: […] }']],
  [
    rhel,
    'repositories: [{ id: a, metalink: "http://x/" }]',
    ['metalink": a repository has one address: write baseurl'],
  ],
])('%#: a key of another name in its map is told once: %s%s', async (base, line, expected) => {
  const messages = await told(`${base}${line}\n`);
  expect(messages.map((message) => message.replace(/^\S+ \S+: unrecognised key "/, '')).toSorted()).toEqual(
    expected.toSorted().map((text) => expect.stringContaining(text) as unknown),
  );
});

test.each([
  ['disk: 10G', '5:7 disk: expected a map of keys, got "10G": write disk: { size: 10G }'],
  ['disk: size=20', '5:7 disk: expected a map of keys (size), got "size=20"'],
  ['disk: { size:10G }', '5:9 disk: a colon is followed by a space: write size: …'],
  [
    'machine: [{ memory: 2G }, { vcpus: 2 }]',
    '5:10 machine: expected a map of keys, got a list: take away the "- " before its keys',
  ],
  ['install: { timeout: 3600 }', '5:21 install.timeout: expected a duration like 60m, got 3600: write timeout: 60m'],
  ['disk: { size: 1G }', '5:15 disk.size: expected at least 2G, got "1G"'],
  [
    'packages: { a: , b: }',
    '5:11 packages: expected a list, got a map: put "- " before each entry, and take away the colon after it',
  ],
  [
    'packages: [a b]',
    '5:12 packages.0: expected a package, a "@group", or the URL or path of an RPM, got "a b": separate the entries with commas, or put each on a line of its own',
  ],
  [
    'packages: [{ name: a, version: "*" }]',
    '5:12 packages.0: expected a package, a "@group", or the URL or path of an RPM, got a map: write its name alone',
  ],
  [
    'packages: [[a]]',
    '5:12 packages.0: expected a package, a "@group", or the URL or path of an RPM, got a list: put its entries into the list itself',
  ],
  [
    'customize: [{ mkdir: ~/x }]',
    '5:22 customize.0.mkdir: expected an absolute path in the guest, without a colon, got "~/x"',
  ],
  [
    'verify: { checks: [test -e /x] }',
    '5:20 verify.checks.0: expected a map of keys, got "test -e /x": write { run: test -e /x }',
  ],
  [
    'rootPassword: { env: hunter-2 }',
    '5:22 rootPassword.env: expected the name of an environment variable (letters, digits and "_")',
  ],
  [
    'rootPassword: { hunter-2: }',
    '5:17 rootPassword: unrecognised key, expected env or file: a secret itself never belongs in a recipe',
  ],
  ['disk: 20', '5:7 disk: expected a map of keys, got 20: write disk: { size: 20G }'],
  ['disk: { size: 10240 }', '5:15 disk.size: expected a size like 8G, got 10240: write size: 10G'],
  ['machine: { memory: 2048 }', '5:20 machine.memory: expected a size like 8G, got 2048: write memory: 2G'],
  ['machine: { vcpus: "4" }', '5:19 machine.vcpus: expected a number, got "4": write vcpus: 4'],
  ['install: { timeout: 90 }', '5:21 install.timeout: expected a duration like 60m, got 90: write timeout: 90m'],
  ['update: yes', '5:9 update: expected true, false or { maxAge: 20h }: write update: true'],
  ['update: 7d', '5:9 update: expected true, false or { maxAge: 20h }: write update: { maxAge: 7d }'],
  ['packages: httpd', '5:11 packages: expected a list, got "httpd": write packages: [httpd]'],
  ['packages: httpd vim', '5:11 packages: expected a list, got "httpd vim": write packages: [httpd, vim]'],
  ['packages:', '5:10 packages: is empty: write a value, or leave the key out'],
  ['output: qcow2', '5:9 output: expected a map of keys, got "qcow2": write output: { format: qcow2 }'],
  [
    'upload: ./images',
    '5:9 upload: expected a list, got "./images": write upload: [{ directory: { path: ./images } }]',
  ],
  ['upload: openstack', '5:9 upload: expected a list, got "openstack": write upload: [{ glance: { … } }]'],
  [
    'upload: { glance: { cloud: a } }',
    '5:9 upload: expected a list, got a map: write upload: [{ glance: { cloud: … } }]',
  ],
  [
    'proxy: http://p:3128',
    '5:8 proxy: expected a map of keys, got "http://p:3128": write proxy: { url: http://p:3128 }',
  ],
  [
    'description: 5',
    '5:14 description: expected text (in quotes if it looks like a number), got 5: write description: "5"',
  ],
  [
    'customize: [{ mkdir: a/b }]',
    '5:22 customize.0.mkdir: expected an absolute path in the guest, without a colon, got "a/b": write mkdir: /a/b',
  ],
  ['description: "{{ x }}"\nname2: {{ x }}', '6:1 unrecognised key "name2", did you mean "name"?'],
  ['disk: { size: 10737418240 }', '5:15 disk.size: expected a size like 8G, got 10737418240: write size: 10G'],
  [
    'install: vim,git',
    '5:10 install: expected a map of keys (kickstart, kernelArguments, timeout, stallTimeout, variables), got "vim,git"',
  ],
  [
    'packages: [$PKG]',
    '5:12 packages.0: expected a package, a "@group", or the URL or path of an RPM, got "$PKG": a variable is written ${PKG}, and --set PKG=… gives it a value',
  ],
  [
    'disk: { size: "%SIZE%" }',
    '5:15 disk.size: expected a size like 8G (units: K, M, G, T or KiB, MiB, GiB, TiB), got "%SIZE%": a variable is written ${SIZE}, and --set SIZE=… gives it a value',
  ],
  [
    'customize: [[systemctl, enable, sshd]]',
    '5:13 customize.0: expected a map of keys, got a list: write run: COMMAND, with its words as one text',
  ],
  [
    'repositories: { a: { baseurl: "http://x/" } }',
    '5:15 repositories: expected a list, got a map: write "- id: NAME" in place of each name, with its keys below it',
  ],
  [
    'subscription: { organization: 1, activationKey: { env: K } }',
    '5:31 subscription.organization: expected an organization, or a reference { env: NAME } or { file: PATH }: put quotes around the number',
  ],
  [
    'install: { kickstart: "a\\nb" }',
    '5:23 install.kickstart: expected a path, without line breaks or control characters: a text of several lines goes into a file of its own',
  ],
  ['customize: [{ delete: /etc/../* }]', '5:23 customize.0.delete: expected something less than the whole system'],
  [
    'customize: [{ write: { path: /etc/, content: a } }]',
    '5:30 customize.0.write.path: expected the path of a file, got the folder "/etc/": write /etc/NAME',
  ],
  [
    'customize: [{ upload: { from: a, to: /usr/bin } }]',
    '5:38 customize.0.upload.to: expected the path of a file, got the folder "/usr/bin": write /usr/bin/NAME',
  ],
  ['language: xx_YY.UTF-8', '5:11 language: expected a locale like en_US.UTF-8, got "xx_YY.UTF-8"'],
  [
    'language: de_DF.UTF-8',
    '5:11 language: expected a locale like en_US.UTF-8, got "de_DF.UTF-8", did you mean "de_DE.UTF-8"?',
  ],
  ['description: "${a:-${b}}"', '5:14 a variable is written ${name} or ${name:-default}; write $${ for a literal ${'],
])('%s', async (line, expected) => {
  expect(await told(`${rhel}${line}\n`)).toEqual([expected]);
});

test.each([
  ['release: 9.4', 'expected a release in quotes like "7.9", got 9.4: write release: "9.4"'],
  ['release: 8.10', 'expected a release in quotes like "7.9", got 8.10: write release: "8.10"'],
  [
    'release: 9',
    'expected a release of RHEL in quotes (6.0 to 6.10, 7.0 to 7.9, 8.0 to 8.10, 9.0 to 9.8, 10.0 to 10.10), got "9"',
  ],
])('%s needs quotes', async (line, expected) => {
  expect(await told(rhel.replace('release: "9.4"', line))).toEqual([`3:10 release: ${expected}`]);
});

test.each([
  [
    'family: rocky',
    ['2:9 family: "rocky" is a distribution of the family rhel: write family: rhel and distribution: rocky'],
  ],
  [
    'family: ubuntu',
    ['2:9 family: "ubuntu" is a distribution of the family debian: write family: debian and distribution: ubuntu'],
  ],
  ['family: RHEL9', ['2:9 family: expected rhel, debian or windows, got "RHEL9": write family: rhel']],
  [
    'family: suse',
    [
      expect.stringMatching(
        /^2:9 family: expected one of rhel \(rhel, .*rocky.*\), debian \(debian, ubuntu\), windows, got "suse"$/,
      ),
    ],
  ],
  [
    'distribution: rocky',
    [expect.stringMatching(/^1:1 family: is missing: write family: rhel and distribution: rocky$/)],
  ],
  ['os: rhel9', ['2:1 unrecognised key "os": write family: rhel']],
  ['# none', [expect.stringMatching(/^1:1 family: is missing: it is one of rhel /)]],
])('with %s the family is told, and the rest where it is clear', async (line, expected) => {
  const isClear = !/suse|none/.test(line);
  const text = `name: x\n${line}\nrelease: "9.4"\nsource: { iso: /x.iso }\ndisk: 10G\n`;
  const messages = (await told(text)).filter((message) => !/release|source/.test(message));
  expect(messages).toEqual([...expected, ...(isClear ? [expect.stringMatching(/^5:7 disk: /)] : [])]);
});

test.each([
  ['iso: ~/x.iso', /got "~\/x\.iso": ~ stands for no folder here: write the whole path$/],
  ['iso: $HOME/x.iso', /a variable is written \$\{HOME\}, and --set HOME=… gives it a value$/],
  ['iso: "{{ iso }}"', /\{\{ \}\} means nothing here: a variable is written \$\{name\}$/],
])('%s is no path', async (line, expected) => {
  expect(await told(rhel.replace('iso: /x.iso', line))).toEqual([expect.stringMatching(expected)]);
});

test('every place that guesses lead to is one', () => {
  const all = new Set(places(formsOf(schemaOf(recipeSchema), undefined)).map(textOf));
  expect(meantPlaces.filter((place) => !all.has(place))).toEqual([]);
});

test('what a remedy says to write is valid there', async () => {
  const keys = ['disk', 'machine', 'update', 'packages', 'repositories', 'output', 'verify', 'description', 'release'];
  const scalar = fc.oneof(
    fc.stringMatching(/^[a-z0-9./ -]{1,12}$/),
    fc.integer({ min: 0, max: 100_000 }),
    fc.boolean(),
    fc.constantFrom('10GB', '512 mb', '90min', 'yes', 'off', 'RAW', 'efi', 8.1, 2022),
  );
  const value = fc.oneof(
    scalar,
    fc.array(scalar, { maxLength: 2 }),
    fc.dictionary(fc.constantFrom('size', 'memory', 'vcpus', 'firmware', 'format', 'name', 'id'), scalar, {
      maxKeys: 2,
    }),
  );
  let remedies = 0;
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...keys), value, async (key, wrong) => {
      for (const message of await told(stringify({ ...parse(rhel), [key]: wrong }))) {
        const [, where = '', remedy] = /^\S+ ([\w.]+): .*: write (?:\w+: )?(.*)$/.exec(message) ?? [];
        if (remedy === undefined || remedy.includes('…')) continue;
        remedies += 1;
        const document = new Document({ ...parse(rhel), [key]: wrong });
        document.setIn(
          where.split('.').map((part) => (/^\d+$/.test(part) ? Number(part) : part)),
          parse(remedy),
        );
        const left = (await told(document.toString())).filter((each) => each.split(' ')[1] === `${where}:`);
        expect(left, `${message}\n${document.toString()}`).toEqual([]);
      }
    }),
    { numRuns: 300 },
  );
  expect(remedies).toBeGreaterThan(15);
}, 60_000);

test('a text with a colon is told once, with its place, and not repeated', async () => {
  const word = fc.stringMatching(/^[a-z]{4,10}$/);
  await fc.assert(
    fc.asyncProperty(word, word, word, async (first, second, third) => {
      const messages = await told(`${rhel}rootPassword: ${first}Q: ${second}Q ${third}Q\n`);
      expect(messages).toEqual([expect.stringMatching(/^5:15 a text with ": " in it needs quotes: [^Q]*$/)]);
    }),
    { numRuns: 30 },
  );
});
