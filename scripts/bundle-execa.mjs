// Writes dist/execa.js: execa with all that it imports, in one file. One by one its 160 modules take 90 ms to load, which
// every command that starts a program would wait for.
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { rolldown } from 'rolldown';

const bundle = await rolldown({ input: 'execa', platform: 'node' });
await bundle.write({ file: 'dist/execa.js', format: 'esm', postBanner: ({ moduleIds }) => licences(moduleIds) });

/** A comment with the licence of each package whose modules these are, as the licences ask for. */
function licences(modules) {
  const folders = modules.flatMap((module) => /^.*\/node_modules\/(@[^/]+\/)?[^/]+/.exec(module)?.[0] ?? []);
  const texts = [...new Set(folders)].map((folder) => {
    const file = readdirSync(folder).find((name) => /^licen[cs]e/i.test(name));
    if (file === undefined) throw new Error(`${folder} has no licence`);
    return `${basename(folder)}\n\n${readFileSync(join(folder, file), 'utf8').trim()}`;
  });
  return `/*\n${texts.join('\n\n').replaceAll('*/', '* /')}\n*/`;
}
