import { expect, test } from 'vitest';
import type { Ahead, EventBody } from '../../src/model.ts';
import { noPaint } from '../../src/ui/format.ts';
import { rowText } from '../../src/ui/frame.ts';
import { resultText } from '../../src/ui/result-text.ts';
import { applyEvent, emptyView, timeLeft, type BuildView } from '../../src/ui/view.ts';

const start = Date.parse('2025-01-01T00:00:00Z');

function viewOf(bodies: readonly EventBody[]): BuildView {
  const view = emptyView('r.yaml');
  for (const [index, body] of bodies.entries()) {
    applyEvent(view, { at: new Date(start + index * 1000).toISOString(), build: 'b1', ...body });
  }
  return view;
}

function states(view: BuildView): string[] {
  return view.rows.map(({ stage, state }) => `${stage} ${state}`);
}

const opening: EventBody[] = [
  { type: 'progress', stage: 'prepare', message: 'downloading', fraction: 0.5 },
  { type: 'build-started', name: 'rhel7', recipe: 'r.yaml', rehearsal: false, folder: '/b/b1' },
  { type: 'stage-reused', stage: 'disk', because: 'it holds' },
  { type: 'stage-started', stage: 'install', because: 'packages changed' },
  { type: 'command-started', stage: 'install', argv: ['virt-install'], log: 'l', control: false },
  { type: 'command-started', stage: 'install', argv: ['virsh'], log: 'l', control: true },
  { type: 'progress', stage: 'install', message: 'package 3', fraction: 0.3 },
];

test('the list of stages follows the events', () => {
  const view = viewOf(opening);
  expect(states(view)).toEqual([
    'prepare done',
    'disk reused',
    'install running',
    'customize waiting',
    'sysprep waiting',
    'sparsify waiting',
    'verify waiting',
    'describe waiting',
    'upload waiting',
  ]);
  const [prepare, disk, install] = view.rows.map((row) => rowText(row, start + 67_000));
  expect(prepare).toBe('prepare    2s');
  expect(disk).toBe('disk       reused: it holds');
  expect(install).toBe('install    1m 04s  30 %');
  expect(view.rows[2]?.command).toEqual(['virt-install']);
});

const predicted = { seconds: 80, bytes: 1 };
const starting: EventBody = { type: 'stage-started', stage: 'sysprep', because: '', predicted };

test('a running stage tells how much is left of the time it took in earlier builds, and whether it is late', () => {
  const title = (bodies: EventBody[], seconds: number) =>
    viewOf(bodies)
      .rows.filter(({ stage }) => stage === 'sysprep')
      .map((row) => rowText(row, start + seconds * 1000));
  expect(title([starting], 9)).toEqual(['sysprep    9s  about 1m 11s left']);
  expect(title([starting, { type: 'progress', stage: 'sysprep', message: '', fraction: 0.5 }], 9)).toEqual([
    'sysprep    9s  50 %  about 1m 11s left',
  ]);
  expect(title([starting], 81)).toEqual(['sysprep    1m 21s  late, it usually takes 1m 20s']);
});

test('what is left of a build is the sum over its stages, or at least that', () => {
  const begin = (ahead: readonly Ahead[]): EventBody => ({
    ...{ type: 'build-started', name: 'a', recipe: 'a.yaml', rehearsal: false, folder: '/b' },
    ahead,
  });
  const known = [
    { stage: 'sysprep', seconds: 80 },
    { stage: 'upload', seconds: 10 },
  ];
  const left = (ahead: readonly Ahead[], seconds: number) =>
    timeLeft(viewOf([begin(ahead), starting]), start + 1000 + seconds * 1000);
  expect(left(known, 30)).toEqual({ seconds: 60, least: false });
  // A stage that is late, or of which nothing is known, takes its time too.
  expect(left(known, 100)).toEqual({ seconds: 10, least: true });
  expect(left([...known, { stage: 'verify' }], 30)).toEqual({ seconds: 60, least: true });
  expect(left([{ stage: 'sysprep' }], 30)).toBeUndefined();
});

test('a failure marks the stage it happened in, and tells what to do and where to look', () => {
  const view = viewOf([
    ...opening,
    {
      type: 'failed',
      stage: 'install',
      code: 'INSTALL_FAILED',
      message: 'no disk',
      hint: 'add one',
      bundle: '/b/b1/failure',
    },
  ]);
  expect(states(view)).toContain('install failed');
  expect(resultText(view, noPaint)).toBe(
    [
      'rhel7 failed in install: no disk',
      '  next: add one',
      '  bundle: /b/b1/failure',
      '  build: /b/b1',
      '  report: vmkiln report b1',
    ].join('\n'),
  );
});

test('what was interrupted has not failed', () => {
  const view = viewOf([
    ...opening,
    { type: 'failed', stage: 'install', code: 'INTERRUPTED', message: 'stopped by SIGINT' },
  ]);
  expect(states(view)).toContain('install interrupted');
  expect(resultText(view, noPaint)).toMatch(/^rhel7 was interrupted in install: stopped by SIGINT\n/);
});

test('a failure before the first stage is one of the preparation', () => {
  expect(states(viewOf([{ type: 'failed', code: 'HOST_UNFIT', message: 'no libvirt' }]))[0]).toBe('prepare failed');
});

test('an image is told by its place, size and digest, and with what to do next', () => {
  const view = viewOf([
    ...opening,
    {
      type: 'published',
      target: 'directory',
      location: '/i/rhel7.qcow2',
      sha256: 'ab12',
      size: 229_998_592,
      unchanged: false,
    },
    { type: 'build-finished', seconds: 64 },
  ]);
  expect(resultText(view, noPaint)).toBe(
    [
      'rhel7 is done in 1m 04s',
      '  image: /i/rhel7.qcow2 (directory, 219 MiB)',
      '  sha256: ab12',
      '  look: vmkiln inspect /i/rhel7.qcow2',
      '  report: vmkiln report b1',
    ].join('\n'),
  );
});
