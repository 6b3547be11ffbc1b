// Writes what a package of vmkiln has besides its program and Node.js: systemd units, completions, the copyright file.
// Prints the licence of the whole as an SPDX expression. Part of scripts/package.sh.
//
// Usage: scripts/package-files.mjs TREE deb|rpm
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { templateUnits } from '../dist/factory/units.js';

/** Of Node.js itself and of what is linked into it, as its LICENSE names them; npm is not in the package. */
const nodeLicence = ['MIT', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'Unicode-3.0', 'Zlib'];

const [tree = '', kind = ''] = process.argv.slice(2);
const library = join(tree, 'usr/lib/vmkiln');
const completions = {
  bash: 'usr/share/bash-completion/completions/vmkiln',
  zsh: `usr/share/zsh/${kind === 'deb' ? 'vendor-completions' : 'site-functions'}/_vmkiln`,
  fish: 'usr/share/fish/vendor_completions.d/vmkiln.fish',
};

for (const [name, text] of Object.entries(templateUnits('/usr/bin/vmkiln')))
  write(`usr/lib/systemd/system/${name}`, text);
for (const [shell, path] of Object.entries(completions)) {
  write(path, execFileSync(process.execPath, [join(library, 'dist/cli.js'), 'completion', shell]));
}
const packages = npmPackages();
write('usr/share/doc/vmkiln/copyright', copyright());
console.log([...new Set([...nodeLicence, ...packages.map(({ licence }) => licence)])].toSorted().join(' AND '));

function write(path, content) {
  mkdirSync(dirname(join(tree, path)), { recursive: true });
  writeFileSync(join(tree, path), content);
}

/** The npm packages of the tree, in the order of their folders, each with the text of its licence if it brings one. */
function npmPackages() {
  const lock = JSON.parse(readFileSync(join(library, 'node_modules/.package-lock.json'), 'utf8'));
  return Object.keys(lock.packages).flatMap((folder) => {
    const files = filesIn(join(library, folder));
    // Of another processor or C library: npm has not installed it.
    if (files === undefined) return [];
    const { name, version, license, author } = JSON.parse(readFileSync(join(library, folder, 'package.json'), 'utf8'));
    const file = files.find((each) => /^(licen[cs]e|copying)/i.test(each));
    if (typeof license !== 'string') throw new Error(`${folder} does not name its licence`);
    if (file === undefined && license !== 'MIT' && license !== 'CC0-1.0') {
      throw new Error(`${folder} has no text of its licence, ${license}`);
    }
    const holder = typeof author === 'string' ? author : (author?.name ?? `the authors of ${name}`);
    const text = file && readFileSync(join(library, folder, file), 'utf8').trim();
    return [{ folder, name, version, licence: license, holder: holder.replace(/ *[<(].*/, ''), text }];
  });
}

function filesIn(folder) {
  try {
    return readdirSync(folder);
  } catch {
    return undefined;
  }
}

/**
 * What the licences ask for: their notices go with every copy. Equal texts stand once. A package without a text has said MIT or CC0 in its
 * package.json alone: it gets MIT's, of which everything but the holder is always the same; CC0 asks for none.
 */
function copyright() {
  const node = readFileSync(join(library, 'node'));
  const intro = `vmkiln is licensed under the Apache License, version 2.0: /usr/lib/vmkiln/LICENSE,
on Debian also /usr/share/common-licenses/Apache-2.0.

This package has parts by others, unchanged but for packaging:

/usr/lib/vmkiln/node is Node.js ${process.version}, SHA-256
${createHash('sha256').update(node).digest('hex')}.
Its licence and those of what is linked into it: /usr/lib/vmkiln/node.LICENSE

/usr/lib/vmkiln/dist/execa.js and /usr/lib/vmkiln/node_modules are npm packages:
`;
  const texts = new Map();
  for (const each of packages) {
    const text =
      each.text ?? (each.licence === 'MIT' ? mit(each.holder) : 'Dedicated to the public domain by CC0-1.0.');
    texts.set(text, [...(texts.get(text) ?? []), `${each.name} ${each.version} (${each.licence})`]);
  }
  const parts = [...texts].map(([text, names]) => `${'-'.repeat(78)}\n${names.join('\n')}\n\n${text}\n`);
  return `${intro}\n${parts.join('\n')}`;
}

/** The text of https://spdx.org/licenses/MIT.html. */
function mit(holder) {
  const text = readFileSync(join(import.meta.dirname, '../packaging/MIT'), 'utf8');
  return text.replace('<copyright holders>', holder).trim();
}
