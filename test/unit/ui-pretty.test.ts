import { expect, test } from 'vitest';
import type { EventBody } from '../../src/model.ts';
import { noPaint } from '../../src/ui/format.ts';
import { resultText, rowTitle } from '../../src/ui/pretty.ts';
import { applyEvent, emptyView, type BuildView } from '../../src/ui/view.ts';

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
  const [prepare, disk, install] = view.rows.map((row) => rowTitle(row, start + 67_000));
  expect(prepare).toBe('prepare    2s');
  expect(disk).toBe('disk       reused: it holds');
  expect(install).toBe('install    1m 04s  30 %');
  expect(view.rows[2]?.command).toEqual(['virt-install']);
});

test('a running stage that does not say how far it is tells what it took in earlier builds', () => {
  const starting: EventBody = {
    type: 'stage-started',
    stage: 'sysprep',
    because: '',
    predicted: { seconds: 80, bytes: 1 },
  };
  const title = (bodies: EventBody[]) =>
    viewOf(bodies)
      .rows.filter(({ stage }) => stage === 'sysprep')
      .map((row) => rowTitle(row, start + 9000));
  expect(title([starting])).toEqual(['sysprep    9s  of about 1m 20s']);
  expect(title([starting, { type: 'progress', stage: 'sysprep', message: '', fraction: 0.5 }])).toEqual([
    'sysprep    9s  50 %',
  ]);
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
    ['rhel7 failed in install: no disk', '  next: add one', '  bundle: /b/b1/failure', '  build: /b/b1'].join('\n'),
  );
});

test('a failure before the first stage is one of the preparation', () => {
  expect(states(viewOf([{ type: 'failed', code: 'HOST_UNFIT', message: 'no libvirt' }]))[0]).toBe('prepare failed');
});

test('an image is told by its place, size and digest', () => {
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
  ]);
  expect(resultText(view, noPaint)).toBe(
    'rhel7 published to directory\n  image: /i/rhel7.qcow2\n  size: 219 MiB\n  sha256: ab12',
  );
});
