import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { patience } from './vmkiln.ts';

/** What to wait for on the screen, and what is typed then; null closes the terminal. */
type Step = readonly [shown: string | RegExp, typed: string | null];

/**
 * Runs a program in a real pseudo-terminal of 80 by 24, and types. `screen` is all that was shown, without control sequences.
 * @throws Error with the screen when something of it is never shown
 */
export async function inTerminal(
  program: string,
  args: readonly string[],
  steps: readonly Step[],
  { cwd, env = {} }: { cwd?: string; env?: Record<string, string> } = {},
): Promise<{ status: number | null; screen: string }> {
  const script = join(import.meta.dirname, 'terminal.py');
  const child = spawn('python3', [script, '80', '24', program, ...args], {
    cwd,
    env: { ...process.env, TERM: 'xterm', ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(child, 'close');
  const giveUp = setTimeout(() => child.kill(), 60_000 * patience);
  const [waiting, seen] = [[...steps], { all: '', since: 0 }];
  child.stdout.on('data', (chunk: Buffer) => {
    seen.all += chunk.toString();
    const shown = stripVTControlCharacters(seen.all.slice(seen.since));
    const [next] = waiting;
    if (next === undefined || !(typeof next[0] === 'string' ? shown.includes(next[0]) : next[0].test(shown))) return;
    seen.since = seen.all.length;
    waiting.shift();
    if (next[1] === null) child.kill();
    else child.stdin.write(next[1]);
  });
  const [status] = (await ended) as [number | null];
  clearTimeout(giveUp);
  const screen = stripVTControlCharacters(seen.all);
  if (waiting.length > 0)
    throw new Error(`${program} ended, or did not, and never showed ${String(waiting[0]?.[0])}:\n${screen}`);
  return { status, screen };
}
