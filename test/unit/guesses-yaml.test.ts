import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadRecipe } from '../../src/families/index.ts';
import { debian, guessedFolder, put, rhel, told } from '../support/guessed.ts';
import { asRhel } from '../support/rhel.ts';

// Recipes that are not the YAML that was meant, that are of another tool, or that name what is not there.

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
  ['rootPassword: !vault x', ['1:15'], /a tag \(!…\) means nothing here: a secret is written/],
  ['description: !x y', ['1:14'], /a tag \(!…\) means nothing here: leave it out/],
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
  [
    'iso: s3://bucket/x.iso',
    'got "s3://bucket/x.iso": a URL is http://HOST/… or https://HOST/…, anything else is downloaded first',
  ],
  ['iso: /x.iso, sha256: ~/SHA256SUMS', '~ stands for no folder here: write the whole path'],
])('%s is nowhere', async (line, expected) => {
  expect(await told(rhel.replace('iso: /x.iso', line))).toEqual([expect.stringContaining(expected)]);
});

test.each([
  ['packer {\n  x = 1\n}\nsource "qemu" "a" {\n}\n', '1:1 it is HCL, '],
  ['<?xml version="1.0"?>\n<image/>\n', '1:1 it is XML, '],
  ['name = "a"\n[[packages]]\nname = "b"\n', '1:1 it is TOML, '],
  ['---\n- hosts: all\n  tasks: []\n', '1:1 it is a playbook of Ansible, '],
  ['lang en_US\nzerombr\nclearpart --all\n', '1:1 it is a kickstart, which a recipe names: '],
  ['- name: x\n', '1:1 expected a map of keys, got a list: '],
  [`recipe:\n  name: x\n  family: rhel\n`, '1:1 unrecognised key "recipe": the keys below it stand at the top'],
  ['{"name": "x", "family": "rhel", "release": "9.4", // c\n "source": {"iso": "/x"}}', 'a comment begins with #'],
  ['name:\u00a0x\nfamily: rhel\n', '1:6 a no-break space stands here'],
  ['name: x\rfamily: rhel\r', '1:1 its lines end with a carriage return alone'],
  [Buffer.from('\ufeffname: x\n', 'utf16le'), 'is UTF-16 text: convert it with iconv -f utf-16'],
  [Buffer.from('QFI\u00fb\0\0\0\u0003', 'latin1'), 'is no text'],
])('%j is told once, for what it is', async (text, expected) => {
  const messages = await told(text);
  expect(messages).toEqual([expect.stringContaining(expected)]);
});

test('a folder, and links that lead to each other, are told as what they are', async () => {
  symlinkSync('loop-b', join(guessedFolder(), 'loop-a'));
  symlinkSync('loop-a', join(guessedFolder(), 'loop-b'));
  const text = `${rhel}install: { kickstart: loop-a }\ncustomize: [{ upload: { from: ., to: /x } }, { run: { script: loop-b } }]\n`;
  expect(await told(text)).toEqual([
    expect.stringMatching(/^5:23 install\.kickstart: \S+loop-a cannot be read: too many symbolic links/),
    expect.stringMatching(/^6:\d+ customize\.0\.upload\.from: \S+ is a folder: expected a file$/),
    expect.stringMatching(/^6:\d+ customize\.1\.run\.script: \S+loop-b cannot be read: too many symbolic links/),
  ]);
  expect(await told(text.replace('iso:', 'image:').replace(/\ncustomize.*/, ''))).toEqual([
    expect.stringMatching(/^5:23 install\.kickstart: a ready image is not installed/),
  ]);
});

test.each([
  [debian, '"12"', 'bookworm', 'write release: "12"'],
  [debian.replace('family', 'distribution: ubuntu\nfamily'), '"12"', 'noble', 'write release: "24.04"'],
  [rhel.replace('family', 'distribution: centos\nfamily'), '"9.4"', '"9"', 'write distribution: centos-stream'],
])('%#: a release is known by other names', async (text, from, to, expected) => {
  expect(await told(text.replace(from, to))).toEqual([expect.stringMatching(new RegExp(`: ${expected}$`))]);
});

test('text that is not UTF-8 is told with its line', async () => {
  expect(await told(Buffer.from('name: x\ndescription: Gr\u00fcn\n', 'latin1'))).toEqual([
    expect.stringContaining('is not UTF-8 text, from line 2 on: convert it with iconv'),
  ]);
});
