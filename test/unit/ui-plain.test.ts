import { open } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { VmkilnError } from '../../src/errors.ts';
import type { Event, EventBody } from '../../src/model.ts';
import { errorText } from '../../src/ui/error-text.ts';
import { openJson } from '../../src/ui/json.ts';
import { openPlain } from '../../src/ui/plain.ts';
import { defaultUi } from '../../src/ui/ui.ts';

// In the time of the host.
const start = Date.parse('2025-01-01T23:58:55');

function event(seconds: number, body: EventBody): Event {
  return { at: new Date(start + seconds * 1000).toISOString(), build: 'b1', ...body };
}

function plain(events: readonly Event[], recipes = ['r.yaml']): string[] {
  let text = '';
  const ui = openPlain({ write: (more) => (text += more) }, { recipes });
  for (const each of events) ui.emit(each, 0);
  return text.split('\n').slice(0, -1);
}

const started: EventBody = { type: 'build-started', name: 'rhel7', recipe: 'r.yaml', rehearsal: true, folder: '/b/b1' };

test('plain tells a build line by line, with the time of day and commands ready to paste', () => {
  const lines = plain([
    event(0, started),
    event(1, { type: 'stage-started', stage: 'disk', because: 'no checkpoint' }),
    event(1, { type: 'command-started', stage: 'disk', argv: ['echo', 'a b'], log: 'l', control: false }),
    event(2, { type: 'command-started', stage: 'disk', argv: ['virsh', 'domstate'], log: 'l', control: true }),
    event(65, { type: 'stage-finished', stage: 'disk', seconds: 64 }),
    event(66, {
      type: 'published',
      target: 'directory',
      location: '/i/x.qcow2',
      sha256: 'ab',
      size: 2 ** 20,
      unchanged: true,
    }),
    event(67, {
      type: 'failed',
      stage: 'upload',
      code: 'X',
      message: 'no\nroom',
      hint: 'make room',
      bundle: '/b/b1/f',
    }),
  ]);
  expect(lines).toEqual([
    '2025-01-01 23:58:55 build b1 of r.yaml (rehearsal) in /b/b1',
    '23:58:56 disk: started (no checkpoint)',
    "23:58:56 disk: $ echo 'a b'",
    '2025-01-02 00:00:00 disk: finished in 1m 04s',
    '00:00:01 published to directory: /i/x.qcow2 (1 MiB, unchanged)',
    '  sha256: ab',
    '  look: vmkiln inspect /i/x.qcow2',
    '00:00:02 failed: upload: no',
    '  room',
    '  next: make room',
    '  bundle: /b/b1/f',
    '  report: vmkiln report b1',
  ]);
});

test('plain tells how long a stage took in earlier builds, and whether it took longer now', () => {
  const predicted = { seconds: 80, bytes: 1 };
  const begun = event(0, { type: 'stage-started', stage: 'disk', because: 'asked', predicted });
  const ended = (seconds: number) => plain([begun, event(1, { type: 'stage-finished', stage: 'disk', seconds })]);
  expect(ended(80)).toEqual([
    '2025-01-01 23:58:55 disk: started (asked), about 1m 20s',
    '23:58:56 disk: finished in 1m 20s',
  ]);
  expect(ended(90)[1]).toBe('23:58:56 disk: finished in 1m 30s, late: it usually takes 1m 20s');
});

test('plain tells progress every tenth, every 15 seconds, and when it is about something else', () => {
  const progress = (seconds: number, message: string, fraction: number) =>
    event(seconds, { type: 'progress', stage: 'install', message, fraction });
  const lines = plain([
    progress(0, 'package 1 of 300', 0),
    progress(1, 'package 15 of 300', 0.05),
    progress(2, 'package 30 of 300', 0.1),
    progress(3, 'package 33 of 300', 0.11),
    progress(18, 'package 34 of 300', 0.115),
    progress(19, 'boot loader', 0.12),
  ]);
  expect(lines.map((line) => line.replace(/^[-\d: ]+/, ''))).toEqual([
    'install: package 1 of 300 0 %',
    'install: package 30 of 300 10 %',
    'install: package 34 of 300 11 %',
    'install: boot loader 12 %',
  ]);
});

test('with several builds each line names its recipe', () => {
  expect(plain([event(0, started), event(5, { type: 'build-finished', seconds: 5 })], ['r.yaml', 'b.yaml'])[1]).toBe(
    '23:59:00 r.yaml finished in 5s',
  );
});

test('json puts events, whole and alone, on standard output', () => {
  const out: string[] = [];
  const err: string[] = [];
  const ui = openJson({ write: (text) => out.push(text) }, { write: (text) => err.push(text) });
  ui.emit(event(0, started), 0);
  ui.say('stopping');
  expect(out.map((line) => JSON.parse(line))).toEqual([event(0, started)]);
  expect(out[0]).toMatch(/^[^\n]*\n$/);
  expect(err).toEqual(['vmkiln: stopping\n']);
});

test('pretty is for a person at a terminal', () => {
  const terminal = { isTTY: true, columns: 80, rows: 24 };
  expect(defaultUi(terminal, { TERM: 'xterm' })).toBe('pretty');
  expect(defaultUi(terminal, { TERM: 'dumb' })).toBe('plain');
  expect(defaultUi(terminal, { CI: 'true' })).toBe('plain');
  // A serial console does not know its size.
  expect(defaultUi({ isTTY: true, columns: 0, rows: 0 }, { TERM: 'vt220' })).toBe('plain');
  expect(defaultUi({}, {})).toBe('plain');
});

test('an error says what, why and what next; one that is not known says whose fault it is', async () => {
  const error = new VmkilnError('MEDIA_MISSING', 'no iso', { hint: 'set iso', cause: new Error('ENOENT') });
  expect(errorText(error)).toBe('vmkiln: no iso\n  why: ENOENT\n  next: set iso');
  const bug = new TypeError('x is undefined');
  expect(errorText(bug)).toMatch(/^vmkiln: unexpected error: x is undefined\n {2}next: .*VMKILN_DEBUG=1/);
  const unknown = await open('/nowhere/at.all').catch((each: unknown) => each);
  expect(errorText(unknown)).toMatch(/^vmkiln: unexpected error: no such file or directory: \/nowhere\/at\.all\n/);
  expect(errorText(bug)).not.toContain('ui-plain.test.ts');
  expect(errorText(bug, { debug: true })).toContain('ui-plain.test.ts');
});

test('what the cause of a full disk advises is not told a second time in other words', () => {
  const error = new VmkilnError('DISK_FULL', 'no space', { hint: 'free some space' });
  error.explanation = { id: 'disk-full', cause: 'a disk is full', remedy: 'make room', file: 'l.log', line: 1 };
  expect(errorText(error)).toBe('vmkiln: no space\n  why: a disk is full (l.log:1)\n  next: make room');
});
