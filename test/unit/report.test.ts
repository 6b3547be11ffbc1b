import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Handlebars from 'handlebars';
import { expect, test } from 'vitest';
import { listBuilds } from '../../src/pipeline/builds.ts';
import { buildView } from '../../src/report/build-page.ts';
import { readFacts, shownLogs } from '../../src/report/facts.ts';
import { htmlOf } from '../../src/report/html.ts';
import { indexView } from '../../src/report/index-page.ts';
import { nightView } from '../../src/report/night-page.ts';
import { spansOf } from '../../src/report/timeline.ts';
import { writePage, writePages } from '../../src/report/write.ts';
import { installedEvents, publishedEvents, writeBuild } from '../support/build-folder.ts';
import { diffInventories } from '../../src/describe/diff.ts';
import { inventory } from '../support/inventory.ts';

const noMatch = 'Error: Unable to find a match: chrnoy';
const log = 'logs/02-customize-virt-customize.log';

const oneNight = {
  ...{ version: 1 as const, night: 'n-1', factory: 'n', file: '/n.yaml', dryRun: false, outcome: 'failed' as const },
  ...{ startedAt: '2026-01-04T02:00:00Z', endedAt: '2026-01-04T03:00:00Z', seconds: 3600, warnings: [] },
};

/** A state with an image that was built twice, and once failed. */
async function state() {
  const home = mkdtempSync(join(tmpdir(), 'report-'));
  writeBuild(home, 'a-20260101-030000-0001', {
    start: '2026-01-01T03:00:00Z',
    events: [...installedEvents('a'), ...publishedEvents(90, 100 * 2 ** 20)],
  });
  const earlier = inventory();
  Object.assign(earlier.packages[0] ?? {}, { release: '33.el7' });
  earlier.ports = [];
  writeBuild(home, 'a-20260102-030000-0002', {
    start: '2026-01-02T03:00:00Z',
    events: [...installedEvents('a'), ...publishedEvents(120, 110 * 2 ** 20)],
    files: {
      'verify.json': JSON.stringify({
        version: 1,
        passed: false,
        results: [
          { check: 'ssh', outcome: 'passed', message: 'answers' },
          { check: 'units', outcome: 'failed', message: 'a.service failed' },
        ],
      }),
      'vulnerabilities.json': JSON.stringify({ version: 1, scanner: 'trivy', counts: { critical: 0, high: 2 } }),
      'difference.json': JSON.stringify({ since: 'a-20260101-030000-0001', ...diffInventories(earlier, inventory()) }),
      'inventory.json': JSON.stringify({
        ...inventory(),
        packages: [{ type: 'rpm', name: 'bash', epoch: 1, version: '5.2', release: '6.el9', arch: 'x86_64' }],
      }),
    },
  });
  writeBuild(home, 'a-20260103-030000-0003', {
    start: '2026-01-03T03:00:00Z',
    events: [
      ...installedEvents('a'),
      [70, { type: 'stage-started', stage: 'customize', because: 'an earlier stage runs' }],
      [71, { type: 'command-started', stage: 'customize', argv: ['virt-customize'], log, control: false }],
      [
        95,
        { type: 'failed', stage: 'customize', code: 'COMMAND_FAILED', message: 'virt-customize exited with status 1' },
      ],
    ],
    files: { [log]: `one\ntwo\nthree\nfour\n${noMatch}\nsix\n`, 'verify.json': '{"half', 'inventory.json': '[]' },
  });
  const all = await listBuilds({ env: { VMKILN_HOME: home }, cwd: '/' });
  const [failed, last, first] = await Promise.all(all.map((build) => readFacts(build)));
  if (!failed || !last || !first) throw new Error('three builds were written');
  return { all, failed, last, first };
}

test('spans are the stages that ran with their commands, those that were cut short until the end', async () => {
  const { failed } = await state();
  const spans = spansOf(failed.events, failed.commands);
  expect(spans.map(({ kind, name, state: how, from, to }) => [kind, name, how, from, to])).toEqual([
    ['stage', 'prepare', 'done', 0, 5],
    ['stage', 'install', 'done', 5, 65],
    ['command', 'virt-install', 'done', 5, 65],
    ['stage', 'customize', 'failed', 70, 95],
    ['command', 'virt-customize', 'cut', 71, 95],
  ]);
});

test('a failure is shown with its cause, the lines around it and what helps', async () => {
  const { all, failed } = await state();
  const { failure, checks, packages } = buildView(failed, all, undefined);
  expect(failure).toMatchObject({ stage: 'customize', cause: { id: 'dnf.no-match', file: log, line: 5 } });
  expect(failure?.remedy).toContain('correct the name');
  expect(failure?.cause?.lines.map(({ line, isEvidence }) => [line, isEvidence])).toEqual([
    [2, false],
    [3, false],
    [4, false],
    [5, true],
    [6, false],
  ]);
  // A file that cannot be read is one that is not there.
  expect([checks, packages]).toEqual([null, null]);
});

test('an image is shown with its checks, packages, and what is other than before', async () => {
  const { all, last, first } = await state();
  const view = buildView(last, all, undefined);
  expect(view.checks).toMatchObject({ summary: '1 passed, 1 failed, 0 skipped', results: [{ check: 'units' }, {}] });
  expect(view.packages).toEqual([{ name: 'bash', version: '1:5.2-6.el9', arch: 'x86_64' }]);
  expect(view.difference).toMatchObject({
    since: 'a-20260101-030000-0001',
    same: false,
    sections: [
      {
        title: 'Packages (1 upgraded)',
        open: true,
        changes: [{ kind: 'upgraded', name: 'bash.x86_64', details: '4.2.46-33.el7 → 4.2.46-34.el7' }],
      },
      { title: 'Open ports (1 added)', changes: [{ name: 'tcp 22', details: 'process sshd' }] },
    ],
  });
  expect(view.vulnerabilities).toEqual({
    scanner: 'trivy',
    counts: [
      { severity: 'critical', count: '0' },
      { severity: 'high', count: '2' },
    ],
  });
  expect(view.ports).toEqual([{ port: '22/tcp', process: 'sshd' }]);
  expect(view.changes).toEqual({
    before: 'a-20260101-030000-0001',
    rows: [
      { what: 'Duration', earlier: '1m 30s', now: '2m 00s' },
      { what: 'Image size', earlier: '100 MiB', now: '110 MiB' },
      { what: 'Image content', earlier: '', now: 'another' },
    ],
  });
  expect(view.history?.rows.map(({ took, size, isThis }) => [took, size, isThis])).toEqual([
    ['2m 00s', '110 MiB', true],
    ['1m 30s', '100 MiB', false],
  ]);
  const bars = view.history?.drawings.map(({ shapes }) => shapes.map(({ height }) => height)) ?? [];
  for (const [earlier = 0, later = 0] of bars) expect(later).toBeGreaterThan(earlier);
  expect(buildView(first, all, undefined)).toMatchObject({ changes: null, history: null });
});

test('what every name of the templates means is in the views', async () => {
  const { all, failed, last } = await state();
  const views = [failed, last].map((facts) => buildView(facts, all, { index: 'i', earlier: 'e', later: 'l' }));
  const entry = { name: 'a', recipe: 'a', outcome: 'failed' as const, reasons: [], notes: [] };
  const night = nightView(
    { ...oneNight, entries: [{ ...entry, failure: { code: 'USAGE', message: 'no' } }] },
    new Set(),
  );
  const known = keysOf([
    ...views,
    indexView(all),
    night,
    { head: { policy: '', style: '', script: '', generator: '', referrer: '' } },
  ]);
  for (const name of ['build', 'index', 'night', 'page', 'drawing', 'history']) {
    const names = new Set<string>();
    const visitor = new Handlebars.Visitor();
    visitor.PathExpression = ({ parts }) => names.add(String(parts.at(-1) ?? 'this'));
    visitor.accept(Handlebars.parse(readFileSync(`templates/report/${name}.hbs`, 'utf8')));
    const helpers = ['if', 'unless', 'each', 'with', 'this', 'partial-block', 'page', 'drawing', 'history', 'data'];
    expect([...names].filter((each) => !known.has(each) && !helpers.includes(each))).toEqual([]);
  }
});

/** Every key of plain data, however deep. */
function keysOf(value: unknown): Set<string> {
  if (typeof value !== 'object' || value === null) return new Set();
  const inner = Object.values(value).flatMap((each) => [...keysOf(each)]);
  return new Set([...(Array.isArray(value) ? [] : Object.keys(value)), ...inner]);
}

test('the same builds give the same page, at any time', async () => {
  const { all, failed } = await state();
  const page = () => htmlOf({ kind: 'build', view: buildView(failed, all, undefined) });
  const before = page();
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(page()).toBe(before);
  expect(before).not.toMatch(/https?:/);
});

test('of a long log the end is shown with the numbers of its lines, and nothing that steers a terminal', () => {
  const long = Array.from({ length: 60_000 }, (_, index) => `line ${index + 1}`).join('\n');
  const [shown, plain, ...rest] = shownLogs([
    { file: 'console.log', text: long },
    { file: 'a.log', text: '\u001b[31mred\u001b[0m\r\n10 %\r20 %\u0007\u202e', first: 7 },
    { file: 'empty.log', text: '\n' },
  ]);
  expect(shown?.text.split('\n')[0]).toBe(`line ${shown?.first}`);
  expect(shown?.text.endsWith('line 60000')).toBe(true);
  expect(plain).toEqual({ file: 'a.log', first: 7, text: String.raw`red${'\n'}10 % 20 %\u{7}\u{202e}` });
  expect(rest).toEqual([]);
});

test('a page takes the place of a page, and of nothing else', async () => {
  const { all, failed } = await state();
  const folder = mkdtempSync(join(tmpdir(), 'pages-'));
  const page = join(folder, 'page.html');
  await writePage(failed.build, all, page);
  await writePage(failed.build, all, page);
  const own = join(folder, `${failed.build.build}.html`);
  writeFileSync(own, 'mine');
  const world = { signal: new AbortController().signal, progress: () => undefined };
  await expect(writePages(all, folder, world)).rejects.toMatchObject({ code: 'USAGE' });
  await expect(writePage(failed.build, all, own)).rejects.toThrow(/is no report/);
  expect(readFileSync(own, 'utf8')).toBe('mine');
  await expect(writePage(failed.build, all, join(folder, 'no/page.html'))).rejects.toMatchObject({ code: 'USAGE' });
  await expect(writePages(all, own, world)).rejects.toMatchObject({ code: 'USAGE' });
});
