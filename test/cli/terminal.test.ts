import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test, vi } from 'vitest';

const show = resolve('test/support/show-builds.mjs');
const socket = join(mkdtempSync(join(tmpdir(), 'tmux-')), 's');
const tmux = (...words: string[]) =>
  execFileSync('tmux', ['-S', socket, '-f', '/dev/null', ...words], { encoding: 'utf8' });
afterAll(() => tmux('kill-server'));

let count = 0;

/** Runs a shell command with `show-builds.mjs`, as `$SHOW`, in a terminal of its own. */
function open(columns: number, rows: number, command: string) {
  const folder = mkdtempSync(join(tmpdir(), 'terminal-'));
  const name = `t${(count += 1)}`;
  const env = `env -u CI -u NO_COLOR SHOW='${process.execPath} ${show}' FOLDER=${folder} TERM=tmux-256color LC_ALL=C.UTF-8`;
  const size = ['-x', `${columns}`, '-y', `${rows}`];
  tmux('-u', 'new-session', '-d', '-s', name, ...size, `${env} bash --norc -c '${command}; sleep 600'`);
  const screen = (...history: string[]) =>
    tmux('capture-pane', '-p', ...history, '-t', name)
      .trimEnd()
      .split('\n');
  return {
    folder,
    name,
    screen,
    /** What is to be seen, once it is. */
    see: (words: RegExp) => vi.waitFor(() => expect(screen('-S', '-').join('\n')).toMatch(words), 20_000),
    end: () => writeFileSync(join(folder, 'end'), ''),
    /** All that was ever there. */
    all: () => screen('-S', '-').join('\n'),
  };
}

const times = (text: string, words: string) => text.split(words).length - 1;

test.concurrent.each([
  [120, 40],
  [80, 24],
  [50, 15],
  [20, 5],
])('one build at %i columns and %i rows: the list stays in its place, and once at the end', async (columns, rows) => {
  const terminal = open(columns, rows, '$SHOW 1 $FOLDER');
  await terminal.see(/install +\d/);
  // Long enough to be drawn several times.
  await sleep(2500);
  const running = terminal.screen('-S', '-');
  expect(running.length).toBeLessThan(rows);
  expect(running[0]).toContain('rhel7-rehearsal');
  expect(times(running.join('\n'), 'install')).toBeGreaterThan(0);
  terminal.end();
  await terminal.see(/THE END/);
  const all = terminal.all();
  expect(times(all, 'describe')).toBe(1);
  expect(times(all, '30 %')).toBe(0);
  expect(all.replaceAll('\n', '')).toContain('look: vmkiln inspect /images/rhel7-rehearsal.qcow2');
});

test.concurrent('three builds: a line for each, whose names stay, and one more each with their results', async () => {
  const terminal = open(50, 15, '$SHOW 3 $FOLDER');
  await terminal.see(/web .*30 %/);
  await sleep(1500);
  const lines = terminal.screen('-S', '-');
  expect(lines.map((line) => line.slice(2, 8))).toEqual(
    ['rhel7-', '日本語-イメ', 'web   ', 'total '].map((name) => expect.stringContaining(name.trim().slice(0, 3))),
  );
  terminal.end();
  await terminal.see(/THE END/);
  expect(times(terminal.all(), '✔ ')).toBe(3);
  expect(times(terminal.all(), ' is done in 1m 01s')).toBe(3);
});

test.concurrent('a terminal that becomes smaller loses no line to the scrollback but those that it had broken', async () => {
  const terminal = open(80, 24, 'seq 30; $SHOW 1 $FOLDER');
  await terminal.see(/30 %/);
  for (const [columns, rows] of [
    [70, 24],
    [60, 20],
    [50, 15],
    [80, 24],
    [50, 15],
  ]) {
    tmux('resize-window', '-t', terminal.name, '-x', `${columns}`, '-y', `${rows}`);
    await sleep(400);
  }
  terminal.end();
  await terminal.see(/THE END/);
  const all = terminal.all();
  expect(all).toMatch(/^1\n2\n3\n/);
  expect(times(all, 'describe')).toBe(1);
  expect(all.split('\n').length).toBeLessThan(30 + 10 + 6 + 8);
});

test.concurrent.each([
  'stty rows 0 cols 0; $SHOW 1 $FOLDER',
  'TERM=dumb $SHOW 1 $FOLDER',
  '$SHOW 1 $FOLDER 2>&1 | cat',
])('lines with the time of day, for a terminal without a size, without a cursor, and for none: %s', async (command) => {
  const terminal = open(80, 24, command);
  await terminal.see(/30 %/);
  terminal.end();
  await terminal.see(/THE END/);
  const first = terminal
    .all()
    .split('\n')
    .filter((line) => /rhel7-rehearsal-id|install: started|finished/.test(line));
  expect(first.map((line) => line.replace(/\d/g, '0').slice(0, 19))).toEqual([
    '0000-00-00 00:00:00',
    '00:00:00 install: s',
    '00:00:00 install: f',
    '00:00:00 finished i',
    '  report: vmkiln re',
  ]);
});

test.concurrent('while nothing changes, little is written', async () => {
  const terminal = open(120, 40, '$SHOW 1 $FOLDER');
  await terminal.see(/30 %/);
  const file = join(terminal.folder, 'written');
  tmux('pipe-pane', '-t', terminal.name, `cat >> ${file}`);
  await sleep(5000);
  tmux('pipe-pane', '-t', terminal.name);
  const bytes = readFileSync(file).length;
  expect(bytes).toBeGreaterThan(0);
  // 100 kB a minute.
  expect(bytes).toBeLessThan(100_000 / 12);
});
