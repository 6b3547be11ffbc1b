#!/usr/bin/env node
// Holds the tree of sources to its order: who may import whom, and how long a file may be. Part of `npm run lint`.
//
// Usage: scripts/structure.mjs [--draw | --figures] [FOLDER]
//   --draw     print the folders and their imports as a Mermaid graph
//   --figures  print how many files there are, and how long
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

/** The floors, top first: a file imports from its own floor and from those below. Those of one line know nothing of each other. */
const floors = [
  ['cli.ts'],
  ['commands'],
  ['index.ts'],
  ['library'],
  ['dashboard'],
  ['report'],
  ['ui', 'rehearsal'],
  ['factory'],
  ['pipeline'],
  ['stages'],
  ['families'],
  ['channels'],
  ['describe'],
  ['verify'],
  ['targets'],
  ['openstack'],
  ['media'],
  ['images'],
  ['host'],
  ['hooks.ts'],
  ['answers'],
  ['recipe'],
  ['store'],
  ['tools'],
  ['explain'],
  ['load.ts', 'text.ts', 'version.ts', 'version-order.ts', 'wait.ts'],
  ['errors.ts'],
  ['model.ts'],
];

/** Packages that one file alone may import. */
const doors = { execa: 'tools/exec.ts', '#execa': 'tools/exec.ts', zx: 'hooks.ts' };

const longest = 300;

const words = process.argv.slice(2);
const source = words.find((word) => !word.startsWith('--')) ?? join(import.meta.dirname, '../src');
const files = readdirSync(source, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .toSorted();
const imports = files.flatMap(importsOf);

if (words.includes('--draw')) draw();
else if (words.includes('--figures')) figures();
else check();

/** Every import of a file: of a type too, and those that are made when they are wanted. `to` is a file of the tree, or a package. */
function importsOf(file) {
  const lines = readFileSync(join(source, file), 'utf8').split('\n');
  return lines.flatMap((line, index) =>
    [...line.matchAll(/(?:\bfrom |\bimport |\bimport\()'([^']+)'/g)].map(([, name]) => {
      const to = name.startsWith('.') ? normalize(join(dirname(file), name)) : name.split('/')[0];
      return { file, line: index + 1, to, isPackage: !name.startsWith('.') };
    }),
  );
}

/** The floor's name that a file belongs to: its top folder, or itself. */
function roomOf(file) {
  return file.includes('/') ? file.slice(0, file.indexOf('/')) : file;
}

function check() {
  const faults = [...imports.flatMap(faultOf), ...files.flatMap(tooLong)];
  for (const fault of faults) console.error(fault);
  if (faults.length > 0) process.exitCode = 1;
}

function faultOf({ file, line, to, isPackage }) {
  const say = (why) => [`src/${file}:${line} imports ${to}: ${why}`];
  if (isPackage) return to in doors && doors[to] !== file ? say(`only src/${doors[to]} does`) : [];
  if (isStage(file) && isStage(to)) return say('a stage knows no other; what two share lies beside them');
  const [from, into] = [roomOf(file), roomOf(to)];
  if (from === into) return [];
  const [above, below] = [from, into].map((room) => floors.findIndex((floor) => floor.includes(room)));
  const unknown = [from, into].find((_, index) => [above, below][index] < 0);
  if (unknown !== undefined) return say(`${unknown} has no floor in scripts/structure.mjs`);
  return above < below
    ? []
    : say(above === below ? `${from} and ${into} know nothing of each other` : 'imports point downwards');
}

/** The files that define a stage: those that the list of stages imports. */
function isStage(file) {
  const list = imports.filter((each) => each.file === 'pipeline/stages.ts' && each.to.startsWith('stages/'));
  return file !== 'stages/stage.ts' && list.some(({ to }) => to === file);
}

function tooLong(file) {
  const count = linesOf(file);
  return count > longest ? [`src/${file} has ${count} lines, more than ${longest}: it is two rooms in one`] : [];
}

function linesOf(file) {
  return readFileSync(join(source, file), 'utf8').split('\n').length - 1;
}

function draw() {
  const edges = imports
    .filter(({ isPackage }) => !isPackage)
    .map(({ file, to }) => `  ${roomOf(file)} --> ${roomOf(to)}`);
  const between = edges.filter((edge) => new Set(edge.trim().split(' --> ')).size === 2);
  console.log(['graph TD', ...[...new Set(between)].toSorted()].join('\n'));
}

function figures() {
  const counts = files.map(linesOf).toSorted((a, b) => a - b);
  const most = files.toSorted((a, b) => linesOf(b) - linesOf(a))[0];
  console.log(
    `${files.length} files, median ${counts[Math.floor(counts.length / 2)]} lines, longest ${most} (${counts.at(-1)})`,
  );
}
