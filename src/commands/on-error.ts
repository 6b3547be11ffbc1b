import { createInterface } from 'node:readline/promises';
import { VmkilnError } from '../errors.ts';
import { releaseKept } from '../pipeline/kept.ts';
import { errorText } from '../ui/error-text.ts';
import { paintFor } from '../ui/format.ts';
import type { CommandContext } from '../ui/ui.ts';
import { isInterrupted, type Outcome } from './build-report.ts';
import { console as showConsole } from './console.ts';
import type { onErrorKinds } from './recipe-options.ts';
import { shell } from './shell.ts';

/** What becomes of a build that failed. */
export type OnError = (typeof onErrorKinds)[number];

/** What was asked for, in the new words or the old. @throws VmkilnError USAGE where nobody can be asked */
export function onErrorOf({ onError, keepOnFailure }: { onError?: OnError; keepOnFailure?: boolean }): OnError {
  const wanted = onError ?? (keepOnFailure ? 'keep' : 'clean');
  if (wanted === 'ask' && !(process.stdin.isTTY && process.stderr.isTTY)) {
    throw new VmkilnError('USAGE', '--on-error ask: there is no terminal to ask at', {
      hint: '--on-error keep leaves everything for `vmkiln console` and `vmkiln shell`',
    });
  }
  return wanted;
}

const question = `  [c] look at the console   [s] open a shell in the disk
  [r] retry the stage       [g] give up and clean up
What now? `;

/**
 * Asks what to do about a build that has failed and kept everything, until that is to build it again, which starts at the stage that
 * failed, or to give up: what it kept goes then. After Ctrl-C or Ctrl-D it stays.
 */
export async function wantsRetry({ build, error }: Outcome, context: CommandContext): Promise<boolean> {
  if (build === undefined || error === undefined || isInterrupted(error)) return false;
  for (;;) {
    const answer = await ask(question, context.signal);
    if (answer === undefined) {
      context.say(`everything is kept: vmkiln shell ${build}, vmkiln clean`);
      return false;
    }
    if (answer === 'c') await tried(context, (signal) => showConsole(build, { ...context, signal }));
    if (answer === 's') await tried(context, (signal) => shell(build, { ...context, signal }));
    if (answer !== 'r' && answer !== 'g') continue;
    await releaseKept(build, context.world);
    return answer === 'r';
  }
}

/** The first letter of a line. Undefined when there is none to come. */
async function ask(text: string, signal: AbortSignal): Promise<string | undefined> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const ended = new Promise<undefined>((done) => lines.once('close', () => done(undefined)));
  try {
    const answer = lines.question(text, { signal }).catch(() => undefined);
    return (await Promise.race([answer, ended]))?.trim().slice(0, 1).toLowerCase();
  } finally {
    lines.close();
  }
}

/** Looks at what was kept. Ctrl-C ends that alone, and what cannot be looked at is told: the question comes again. */
async function tried({ world }: CommandContext, look: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
  const own = new AbortController();
  const stop = () => own.abort(new VmkilnError('INTERRUPTED', 'stopped by SIGINT'));
  const listeners = process.listeners('SIGINT');
  process.removeAllListeners('SIGINT').on('SIGINT', stop);
  try {
    await look(own.signal);
  } catch (error) {
    if (!isInterrupted(error))
      process.stderr.write(`${errorText(error, { paint: paintFor(process.stderr, world.env) })}\n`);
  } finally {
    process.off('SIGINT', stop);
    for (const listener of listeners) process.on('SIGINT', listener);
  }
}
