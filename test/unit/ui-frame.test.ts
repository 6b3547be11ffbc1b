import { expect, test } from 'vitest';
import type { EventBody } from '../../src/model.ts';
import { columnsOf } from '../../src/ui/columns.ts';
import { noPaint } from '../../src/ui/format.ts';
import { frameLines, lastLines, type Entry } from '../../src/ui/frame.ts';
import type { Dropped } from '../../src/ui/ui.ts';
import { applyEvent, emptyView } from '../../src/ui/view.ts';

const start = Date.parse('2025-01-01T00:00:00Z');

function entry(name: string, bodies: readonly EventBody[], dropped?: Dropped): Entry {
  const view = emptyView(`${name}.yaml`);
  for (const body of bodies) applyEvent(view, { at: new Date(start).toISOString(), build: name, ...body });
  return { view, ...(dropped && { dropped }) };
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

function drawing(size: { columns: number; rows: number }) {
  return { ...size, now: start + 64_000, paint: noPaint };
}

function lines(entries: readonly Entry[], size = { columns: 80, rows: 24 }): string[] {
  return frameLines(entries, drawing(size));
}

test('each build has one line: where it is, what it waits for, how it ended; and all together how long they take', () => {
  const entries = [
    entry('rhel7', running),
    entry('web', waiting),
    entry('x', failed),
    entry('db', done),
    entry('next', []),
    entry('bad', [], 'refused'),
    entry('late', [], 'interrupted'),
  ];
  expect(lines(entries).map((line) => line.slice(2))).toEqual([
    'rhel7      install    1m 04s   30 %  package 90 of 300',
    'web        install    waiting for 1 core (0 of 2 free)',
    'rhel7      failed in install',
    'db         done in 1m 04s',
    'next.yaml  queued',
    'bad.yaml   refused',
    'late.yaml  interrupted',
    'total 1m 04s',
  ]);
});

test('a stage that has waited no longer says so once it runs', () => {
  const started: EventBody = { type: 'stage-started', stage: 'install', because: '' };
  const [line] = lines([entry('web', [...waiting, started]), entry('db', done)]);
  expect(line?.slice(2)).toBe('web  install    1m 04s');
});

test('what does not fit the terminal is cut, and counted: names stay, and those that run are seen first', () => {
  const many = [
    ...Array.from({ length: 10 }, (_, index) => entry(`queued-${index}`, [])),
    ...Array.from({ length: 10 }, () => entry('db', done)),
    entry('rhel7', running),
    entry('web', waiting),
  ];
  expect(lines(many, { columns: 40, rows: 6 }).map((line) => line.slice(2))).toEqual([
    'db     done in 1m 04s',
    'rhel7  install    1m 04s   30 %  pac…',
    'web    install    waiting for 1 core…',
    '19 more: 9 done, 10 queued',
    'total 1m 04s',
  ]);
});

const wide: EventBody[] = [
  {
    ...begun('日本語-イメージ'),
    type: 'build-started',
    ahead: [
      { stage: 'install', seconds: 60 },
      { stage: 'upload', seconds: 100 },
    ],
  } as EventBody,
  { type: 'stage-started', stage: 'install', because: '', predicted: { seconds: 60, bytes: 1 } },
  {
    type: 'command-started',
    stage: 'install',
    argv: ['virt-install', '--name', 'x'.repeat(200)],
    log: 'l',
    control: false,
  },
  { type: 'progress', stage: 'install', message: 'パッケージ '.repeat(30), fraction: 0.3 },
];

test('no line is as wide as the terminal, in columns, and there are fewer than it has rows', () => {
  const several = [entry('a', wide), entry('b', running), entry('c', failed), entry('d', done)];
  for (const entries of [several.slice(0, 1), several]) {
    for (const columns of [1, 2, 5, 20, 50, 80, 120]) {
      for (const rows of [2, 5, 15, 24]) {
        const drawn = lines(entries, { columns, rows });
        expect(Math.max(...drawn.map(columnsOf))).toBeLessThan(columns);
        expect(drawn.length).toBeLessThan(rows);
      }
    }
  }
});

test('of one build a low terminal shows its name, the stage that runs, and what that says', () => {
  expect(lines([entry('a', wide)], { columns: 44, rows: 4 })).toEqual([
    '日本語-イメージ  1m 04s, more than 1m 40s …',
    '▸ install    1m 04s  30 %  late, it usuall…',
    expect.stringMatching(/^ {2}パッケージ .*…$/),
  ]);
});

test('at the end all stages are there, however low the terminal', () => {
  expect(lastLines([entry('a', wide)], drawing({ columns: 80, rows: 3 }))).toHaveLength(9);
});

test('a font without such characters gets marks of ASCII', () => {
  const marks = frameLines([entry('x', failed), entry('db', done)], {
    ...drawing({ columns: 80, rows: 24 }),
    plainMarks: true,
  });
  expect(marks.map(([mark]) => mark)).toEqual(['x', '+', ' ']);
});
