import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'vmkiln-structure-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** What the check says of a tree of these files, one line each. */
function say(name: string, files: Record<string, string>): string[] {
  const tree = join(folder, name);
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(tree, file)), { recursive: true });
    writeFileSync(join(tree, file), text);
  }
  const { stderr, status } = spawnSync(process.execPath, ['scripts/structure.mjs', tree], { encoding: 'utf8' });
  const lines = stderr.split('\n').filter((line) => line !== '');
  expect(status).toBe(lines.length > 0 ? 1 : 0);
  return lines;
}

const list = "import { a } from '../stages/a.ts';\nimport { b } from '../stages/b.ts';\n";

test.each<[string, Record<string, string>, string | undefined]>([
  ['down is right', { 'pipeline/a.ts': "import { b } from '../store/b.ts';" }, undefined],
  [
    'up',
    { 'store/a.ts': "import type { B } from '../pipeline/b.ts';" },
    'src/store/a.ts:1 imports pipeline/b.ts: imports point downwards',
  ],
  [
    'up, when it is wanted',
    { 'store/a.ts': "\nawait import('../cli.ts');" },
    'src/store/a.ts:2 imports cli.ts: imports point downwards',
  ],
  ['beside', { 'ui/a.ts': "export * from '../rehearsal/b.ts';" }, 'ui and rehearsal know nothing of each other'],
  ['nowhere', { 'cellar/a.ts': "import { b } from '../model.ts';" }, 'cellar has no floor'],
  ['a back door', { 'host/a.ts': "import { execa } from 'execa';" }, 'only src/tools/exec.ts does'],
  ['its copy', { 'host/a.ts': "await import('#execa');" }, 'only src/tools/exec.ts does'],
  ['the door', { 'tools/exec.ts': "import { execa } from 'execa';" }, undefined],
  [
    'a stage and another',
    { 'pipeline/stages.ts': list, 'stages/a.ts': "import { b } from './b.ts';" },
    'a stage knows no other',
  ],
  ['a stage and its own', { 'pipeline/stages.ts': list, 'stages/a.ts': "import { c } from './c.ts';" }, undefined],
  ['length', { 'host/a.ts': '//\n'.repeat(301) }, 'src/host/a.ts has 301 lines, more than 300'],
])('%s', (name, files, expected) => {
  const lines = say(name, files);
  if (expected === undefined) expect(lines).toEqual([]);
  else expect(lines).toEqual([expect.stringContaining(expected)]);
});

test('the tree is drawn without a circle', () => {
  const graph = execFileSync(process.execPath, ['scripts/structure.mjs', '--draw'], { encoding: 'utf8' });
  const edges = [...graph.matchAll(/^ {2}(\S+) --> (\S+)$/gm)].map(([, from = '', to = '']) => [from, to] as const);
  expect(edges.length).toBeGreaterThan(30);
  let rest = edges;
  for (;;) {
    // What nothing imports is on no circle.
    const next = rest.filter(([from]) => rest.some(([, to]) => to === from));
    if (next.length === rest.length) break;
    rest = next;
  }
  expect(rest).toEqual([]);
});
