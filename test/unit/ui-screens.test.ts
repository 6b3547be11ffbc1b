import { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import type { EventBody } from '../../src/model.ts';
import { openUi, type Screen, type Ui } from '../../src/ui/ui.ts';

/** A terminal that remembers all that was ever written to it. */
class Terminal extends Writable {
  readonly isTTY = true;
  readonly columns: number = 80;
  readonly rows: number = 24;
  written = '';
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.written += String(chunk);
    done();
  }
  get text(): string {
    return stripVTControlCharacters(this.written);
  }
  cursorTo(): void {}
  clearLine(): void {}
}

const screen = () => new Terminal() as Terminal & Screen;
const built = { target: 'directory', location: '/images/a.qcow2', sha256: 'ab12', size: 1024, unchanged: false };

function events(name: string): EventBody[] {
  return [
    { type: 'build-started', name, recipe: `${name}.yaml`, rehearsal: false, folder: `/builds/${name}` },
    { type: 'warning', message: `${name} is slow`, hint: 'use KVM' },
    { type: 'stage-skipped', stage: 'disk', because: 'the install checkpoint already holds its result' },
    { type: 'stage-reused', stage: 'install', because: 'nothing it depends on has changed' },
    { type: 'stage-started', stage: 'customize', because: '`packages` changed' },
    { type: 'progress', stage: 'customize', message: 'Installing tmux' },
  ];
}

const good: EventBody[] = [
  { type: 'stage-finished', stage: 'customize', seconds: 2 },
  { type: 'published', ...built },
  { type: 'build-finished', seconds: 3 },
];
const bad: EventBody[] = [
  { type: 'failed', stage: 'customize', code: 'COMMAND_FAILED', message: 'no package tmux', hint: 'name another' },
];

function feed(ui: Ui, index: number, bodies: readonly EventBody[]): void {
  for (const body of bodies) ui.emit({ at: new Date().toISOString(), build: `b${index}`, ...body }, index);
}

async function show(recipes: string[], tell: (ui: Ui, terminal: Terminal) => Promise<void>): Promise<Terminal> {
  const terminal = screen();
  const ui = await openUi('pretty', { recipes, stdout: terminal, stderr: terminal, env: { TERM: 'xterm' } });
  await tell(ui, terminal);
  await ui.close();
  return terminal;
}

test('the list of one build shows its stages while they run, and its image at the end', async () => {
  const terminal = await show(['a.yaml'], async (ui, drawn) => {
    feed(ui, 0, events('a'));
    // It is drawn now and then.
    await expect.poll(() => drawn.text, { timeout: 10_000 }).toContain('Installing tmux');
    feed(ui, 0, good);
  });
  for (const words of ['a is slow', 'use KVM', 'reused: nothing it depends on has changed', 'Installing tmux'])
    expect(terminal.text).toContain(words);
  expect(terminal.text.trimEnd().split('\n').slice(-4)).toEqual([
    '  image: /images/a.qcow2 (directory, 1 KiB)',
    '  sha256: ab12',
    '  look: vmkiln inspect /images/a.qcow2',
    '  report: vmkiln report b0',
  ]);
  expect(terminal.written.lastIndexOf('\u001B[?25h')).toBeGreaterThan(terminal.written.lastIndexOf('\u001B[?25l'));
});

test('a failure is told once, whole, with what to do next', async () => {
  const terminal = await show(['a.yaml'], async (ui) => {
    feed(ui, 0, events('a'));
    await sleep(250);
    feed(ui, 0, bad);
  });
  expect(terminal.text.match(/a failed in customize: no package tmux\n {2}next: name another/g)).toHaveLength(1);
});

test('the board of several builds has a line for each, and tells results and refusals as they come', async () => {
  const terminal = await show(['a.yaml', 'b.yaml', 'c.yaml'], async (ui) => {
    feed(ui, 0, events('a'));
    feed(ui, 1, events('b'));
    ui.drop(2, 'refused');
    await sleep(250);
    ui.say('stopping');
    feed(ui, 0, good);
    feed(ui, 1, bad);
    await sleep(250);
  });
  expect(terminal.text).toContain('a is done in 3s');
  expect(terminal.text).toContain('b failed in customize: no package tmux');
  expect(terminal.text).toContain('vmkiln: stopping');
  expect(terminal.text).toMatch(/✔ a +done in 3s/);
  expect(terminal.text).toMatch(/✖ b +failed in customize/);
  expect(terminal.text).toMatch(/✖ c\.yaml +refused/);
  expect(terminal.written.lastIndexOf('\u001B[?25h')).toBeGreaterThan(terminal.written.lastIndexOf('\u001B[?25l'));
});

test('of a build that is refused while it is prepared nothing stays: whoever ran it says why', async () => {
  const terminal = await show(['a.yaml'], async (ui, drawn) => {
    feed(ui, 0, [{ type: 'progress', stage: 'prepare', message: 'checksum of x.iso', fraction: 0.5 }]);
    await expect.poll(() => drawn.text, { timeout: 10_000 }).toContain('checksum');
    drawn.written = '';
    ui.drop(0, 'refused');
  });
  expect(terminal.text.trim()).toBe('');
});
