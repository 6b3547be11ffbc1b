import { expect, test } from 'vitest';
import type { EventBody } from '../../src/model.ts';
import { boardLines, type Entry } from '../../src/ui/board.ts';
import { noPaint } from '../../src/ui/format.ts';
import { applyEvent, emptyView } from '../../src/ui/view.ts';

const start = Date.parse('2025-01-01T00:00:00Z');

function entry(name: string, bodies: readonly EventBody[], refused = false): Entry {
  const view = emptyView(`${name}.yaml`);
  for (const body of bodies) applyEvent(view, { at: new Date(start).toISOString(), build: name, ...body });
  return { view, refused };
}

function begun(name: string): EventBody {
  return { type: 'build-started', name, recipe: `${name}.yaml`, rehearsal: false, folder: `/b/${name}` };
}

const running: EventBody[] = [
  begun('rhel7'),
  { type: 'stage-started', stage: 'install', because: '' },
  { type: 'progress', stage: 'install', message: 'package 90\nof 300', fraction: 0.3 },
];
const waiting: EventBody[] = [
  begun('web'),
  { type: 'progress', stage: 'install', message: 'waiting for 1 core (0 of 2 free)' },
];
const failed: EventBody[] = [...running, { type: 'failed', stage: 'install', code: 'X', message: 'no' }];
const done: EventBody[] = [begun('db'), { type: 'build-finished', seconds: 64 }];

function lines(entries: readonly Entry[], size = { columns: 80, rows: 24 }): string[] {
  return boardLines(entries, size, start + 64_000, noPaint);
}

test('each build has one line: where it is, what it waits for, how it ended', () => {
  const entries = [
    entry('rhel7', running),
    entry('web', waiting),
    entry('x', failed),
    entry('db', done),
    entry('next', []),
    entry('bad', [], true),
  ];
  expect(lines(entries).map((line) => line.slice(2))).toEqual([
    'rhel7      install    1m 04s   30 %  package 90 of 300',
    'web        install    waiting for 1 core (0 of 2 free)',
    'rhel7      failed in install',
    'db         done in 1m 04s',
    'next.yaml  queued',
    'bad.yaml   refused',
  ]);
});

test('a stage that has waited no longer says so once it runs', () => {
  const [line] = lines([entry('web', [...waiting, { type: 'stage-started', stage: 'install', because: '' }])]);
  expect(line?.slice(2)).toBe('web  install    1m 04s');
});

test('what does not fit the terminal is cut, and counted: those that run are seen first', () => {
  const many = [
    ...Array.from({ length: 10 }, (_, index) => entry(`queued-${index}`, [])),
    ...Array.from({ length: 10 }, () => entry('db', done)),
    entry('rhel7', running),
    entry('web', waiting),
  ];
  const shown = lines(many, { columns: 40, rows: 6 });
  expect(shown.map((line) => line.slice(2))).toEqual([
    'db     done in 1m 04s',
    'rhel7  install    1m 04s   30 %  pac…',
    'web    install    waiting for 1 core…',
    '19 more: 9 done, 10 queued',
  ]);
  for (const columns of [20, 40, 200]) {
    for (const line of lines(many, { columns, rows: 3 })) expect(line.length).toBeLessThan(columns);
  }
});
