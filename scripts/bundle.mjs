// Makes a build quick to start, after tsc: to load hundreds of modules one by one, and to compile templates that never change, takes
// longer than most commands do.
//
// - dist/execa.js: execa with all that it imports, in one file.
// - dist/answers/compiled.js: the templates of answer files and scripts, compiled.
// - dist/chunks/: the command line in as few files as it can be, with the packages that nearly every command needs. What a command
//   does not need stays in files that it does not load. The modules of tsc stay beside it, for those who use the library.
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import Handlebars from 'handlebars';
import { rolldown } from 'rolldown';

const project = join(import.meta.dirname, '..');
const dist = join(project, 'dist');
const unused = '\0unused';

const bundle = await rolldown({ input: 'execa', platform: 'node' });
await bundle.write({ file: join(dist, 'execa.js'), format: 'esm', postBanner: banner });
await compileTemplates();
await bundleCommands();

/** The templates that vmkiln ships, by the key that the code looks for. */
async function compileTemplates() {
  const { compiledKey, compileOptions } = await import(join(dist, 'answers/templates.js'));
  const files = ['kickstart', 'templates/rhel', 'templates/debian', 'templates/linux', 'templates/windows'].flatMap(
    (folder) =>
      readdirSync(join(project, folder)).flatMap((name) =>
        name.endsWith('.hbs') ? [join(project, folder, name)] : [],
      ),
  );
  const entries = files.map((file) => {
    const source = readFileSync(file, 'utf8');
    const kind = file.endsWith('.xml.hbs') ? 'xml' : 'text';
    return `[${JSON.stringify(compiledKey(source, kind))}, ${Handlebars.precompile(source, compileOptions(kind))}]`;
  });
  writeFileSync(join(dist, 'answers/compiled.js'), `export const compiled = new Map([\n${entries.join(',\n')}\n]);\n`);
}

/** dist/cli.js and what it imports, in dist/chunks. */
async function bundleCommands() {
  const inside = /^(zod|yaml|commander|handlebars\/runtime\.js)$/;
  const commands = await rolldown({
    input: { main: join(dist, 'cli.js') },
    platform: 'node',
    // A package is in the bundle or stays one; what is imported by a package belongs to it.
    external: (id, importer) =>
      importer?.startsWith(dist) === true && !id.startsWith('.') && !id.startsWith('/') && !inside.test(id),
    plugins: [{ name: 'places', transform: keepPlace, resolveId: withoutPrograms, load: nothing }],
  });
  await commands.write({
    dir: join(dist, 'chunks'),
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: '[name]-[hash].js',
    minify: true,
    postBanner: banner,
    // Each file takes its time: what every command needs is one, and what all need that read a recipe another.
    codeSplitting: {
      groups: [
        { name: 'base', test: /\/dist\/(commands\/program|ui\/output|errors|text|store\/paths)\.js$/, priority: 2 },
        { name: 'recipes', test: /\/dist\/families\/index\.js$/, priority: 1 },
      ],
    },
  });
  writeFileSync(join(dist, 'cli.js'), "#!/usr/bin/env node\nimport './chunks/main.js';\n");
  chmodSync(join(dist, 'cli.js'), 0o755);
}

/** Commander can hand a command on to a program of its own, which none here does: Node.js need not load what starts programs. */
function withoutPrograms(id, importer) {
  return id === 'node:child_process' && importer?.includes('/node_modules/commander/') ? unused : null;
}

function nothing(id) {
  return id === unused ? 'export default {};' : null;
}

/** A module finds its files from the folder that it had: all chunks are in one. */
function keepPlace(code, id) {
  if (!id.startsWith(dist) || !code.includes('import.meta.')) return null;
  const file = `../${relative(dist, id)}`;
  return code
    .replaceAll('import.meta.dirname', `(import.meta.dirname + ${JSON.stringify(`/${dirname(file)}`)})`)
    .replaceAll('import.meta.url', `new URL(${JSON.stringify(file)}, import.meta.url).href`);
}

function banner({ moduleIds }) {
  const licences = licencesOf(moduleIds);
  return licences === '' ? '' : `/*\n${licences.replaceAll('*/', '* /')}\n*/`;
}

/** The licence of each package whose modules these are, as the licences ask for. */
function licencesOf(modules) {
  const folders = modules.flatMap((module) => /^.*\/node_modules\/(@[^/]+\/)?[^/]+/.exec(module)?.[0] ?? []);
  const texts = [...new Set(folders)].map((folder) => {
    const file = readdirSync(folder).find((name) => /^licen[cs]e/i.test(name));
    if (file === undefined) throw new Error(`${folder} has no licence`);
    return `${basename(folder)}\n\n${readFileSync(join(folder, file), 'utf8').trim()}`;
  });
  return texts.join('\n\n');
}
