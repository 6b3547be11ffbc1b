import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Document, parse, stringify } from 'yaml';
import { loadRecipe, recipeSchema } from '../../src/families/index.ts';
import { meantPlaces } from '../../src/recipe/guesses.ts';
import { textOf } from '../../src/recipe/keys.ts';
import { formsOf, places, schemaOf } from '../../src/recipe/schema.ts';
import { asRhel } from '../support/rhel.ts';

// Recipes as newcomers guess them, and what they are told.

const folder = mkdtempSync(join(tmpdir(), 'vmkiln-guesses-'));

const rhel = 'name: x\nfamily: rhel\nrelease: "9.4"\nsource: { iso: /x.iso }\n';
const debian = 'name: x\nfamily: debian\nrelease: "12"\nsource: { image: /x.qcow2 }\n';
const windows =
  'name: x\nfamily: windows\nrelease: "2022"\nsource: { iso: /x, virtioIso: /v, cloudbaseInitMsi: /c }\nadministratorPassword: { env: A }\n';

function put(text: string | Uint8Array): string {
  const path = join(folder, 'x.yaml');
  writeFileSync(path, text);
  return path;
}

/** What is wrong with a recipe, one line for each problem, without the name of its file. */
async function told(text: string | Uint8Array): Promise<string[]> {
  const found = await loadRecipe(put(text), {}).then(
    () => '',
    (error: unknown) => (error as Error).message,
  );
  return found === '' ? [] : found.replaceAll(`${folder}/x.yaml:`, '').split('\n');
}

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
  [
    'source: { iso: ${iso}, sha256: ${sum:-} }\ndisk: { size: ${size} }',
    ['1:16', '1:32', '2:15'],
    /within \{ \} or \[ \] needs quotes: write "\$\{\w+(:-…)?\}"$/,
  ],
  ['packages: [${a}, b]', ['1:12'], /write "\$\{a\}"$/],
  ['customize:\n  - run: echo a: b', ['2:10'], /a text with ": " in it needs quotes: /],
  ['customize: [{ run: echo a: b }]', ['1:20'], /a text with ": " in it needs quotes: /],
  ['packages: [${var.a}, b]', ['1:12'], /write "\$\{a\}"$/],
  ['source: iso: /x.iso', ['1:9'], /of two keys the second below the first, indented$/],
  ['customize:\n  - run: |\n    a', ['3:5'], /indent what belongs to the key above it/],
  ['name: x\n%post\necho', ['2:1'], /a section of a kickstart stands in the kickstart: /],
  ['%YAML 1.1\nname: x', ['2:1'], /a line that begins with % speaks to YAML itself/],
  ['rootPassword: { env: A }: x', ['1:25'], /there is no key before this colon$/],
  ['[a]: x', ['1:1'], /a map or a list is no key: /],
  ['x-a: &a [b]\nsource: { <<: *a }', ['2:11'], /<< merges maps alone/],
  ['timezone: @x', ['1:11'], /a text that begins with @ needs quotes: /],
  ['description: "x', ['1:14'], /this quote is not closed$/],
  ['description: "C:\\Temp"', ['1:17'], /a backslash within "…" begins an escape: /],
  ['disk:\n\tsize: 8G', ['2:1'], /a tab indents this line, .*: indent with spaces$/],
  ['disk:\n   size: 8G\n  x: y', ['3:1'], /indent them alike$/],
  ['disk: 8G\n size: 8G', ['1:7'], /the line below is indented like a part of this text: /],
  ['packages: [a, b', ['2:1'], /a \[ is not closed before this: \] is missing$/],
  ['packages: *.rpm', ['1:11'], /has no anchor .*: put quotes around/],
  ['rootPassword: !vault x', ['1:15'], /a tag \(!…\) means nothing here/],
  ['packages: [a]\npackages: [b]', ['2:1'], /this key is already set on line 1: keep one of them$/],
])('%j is not what YAML makes of it', async (text, positions, expected) => {
  const messages = await told(`${text}\n`);
  expect(messages.map((message) => message.split(' ')[0])).toEqual(positions);
  for (const message of messages) expect(message).toMatch(expected);
});

test('merge keys and keys of one’s own are allowed', async () => {
  const text =
    'x-common: &common { family: rhel, release: "9.4" }\n<<: *common\nname: x\nsource: { iso: /x.iso }\nrepositories:\n  - &r { id: a, baseurl: "http://m/" }\n  - { <<: *r, id: b }\n';
  const { recipe } = await loadRecipe(put(text), {});
  expect(asRhel(recipe)).toMatchObject({
    release: '9.4',
    repositories: [{ id: 'a' }, { id: 'b', baseurl: 'http://m/' }],
  });
  expect(recipe).not.toHaveProperty('x-common');
  // A mistake in an anchor has its place there.
  expect(await told(text.replace('"9.4"', '9.4'))).toEqual([
    expect.stringMatching(/^1:44 release: .*: write release: "9.4"$/),
  ]);
});

test.each([
  ['iso: ~/x.iso', /got "~\/x\.iso": ~ stands for no folder here: write the whole path$/],
  ['iso: $HOME/x.iso', /a variable is written \$\{HOME\}, and --set HOME=… gives it a value$/],
  ['iso: "{{ iso }}"', /\{\{ \}\} means nothing here: a variable is written \$\{name\}$/],
])('%s is no path', async (line, expected) => {
  expect(await told(rhel.replace('iso: /x.iso', line))).toEqual([expect.stringMatching(expected)]);
});

test('text that is not UTF-8 is told with its line', async () => {
  expect(await told(Buffer.from('name: x\ndescription: Gr\u00fcn\n', 'latin1'))).toEqual([
    expect.stringContaining('is not UTF-8 text, from line 2 on: convert it with iconv'),
  ]);
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
