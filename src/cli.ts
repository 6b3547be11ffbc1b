#!/usr/bin/env node
import { setMaxListeners } from 'node:events';
import { writeSync } from 'node:fs';
import { CommanderError } from 'commander';
import { defineProgram, stagesFor } from './commands/program.ts';
import { exitCode, VmkilnError } from './errors.ts';
import { harmless } from './text.ts';
import { flush, stopOnLostOutput } from './ui/output.ts';
import type { CommandContext } from './ui/ui.ts';

/** Runs one command line to its end. Returns the exit status. */
async function main(argv: readonly string[], controller: AbortController): Promise<number> {
  const context = openContext(controller.signal);
  stopOnSignals(controller, context);
  let status = 0;
  const program = defineProgram(context, await stagesFor(argv), async (command) => {
    status = (await command()) ?? 0;
  });
  try {
    await program.parseAsync(argv);
    return status;
  } catch (error) {
    // Commander has said what was wrong; its own status for that is 1.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    // Whoever interrupted knows; whoever closed the output does not want to.
    if (controller.signal.aborted && error === controller.signal.reason) return exitCode(error);
    return tell(error);
  }
}

/** Says what went wrong. Returns the exit status. */
async function tell(error: unknown): Promise<number> {
  const { errorText } = await import('./ui/error-text.ts');
  const { paintFor } = await import('./ui/format.ts');
  const debug = Boolean(process.env['VMKILN_DEBUG']);
  process.stderr.write(`${errorText(error, { debug, paint: paintFor(process.stderr, process.env) })}\n`);
  return exitCode(error);
}

function openContext(signal: AbortSignal): CommandContext {
  let speak = (message: string): void => void process.stderr.write(`vmkiln: ${message}\n`);
  return {
    signal,
    world: { env: process.env, cwd: process.cwd() },
    say: (message) => speak(harmless(message)),
    sayThrough: async (say, body) => {
      const before = speak;
      speak = say;
      return body().finally(() => (speak = before));
    },
  };
}

/** Signals closer than this are one, in milliseconds. */
const repeatPause = 300;

/** The first signal asks everything to stop and clean up; the second does not wait for that. */
function stopOnSignals(controller: AbortController, context: CommandContext): void {
  let first: number | undefined;
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      // One Ctrl-C may come twice: from the terminal, and passed on by `npm run`.
      if (first !== undefined) return void (performance.now() - first > repeatPause && killAndExit(130));
      first = performance.now();
      controller.abort(
        new VmkilnError('INTERRUPTED', `stopped by ${name}`, {
          hint: 'run the same command again: it starts from the last checkpoint',
        }),
      );
      // What only reads has ended by then.
      setTimeout(() => context.say('stopping: cleaning up… (once more to stop at once)'), repeatPause).unref();
    });
  }
}

async function killAndExit(status: number): Promise<void> {
  try {
    (await import('./tools/exec.ts')).killLiveGroups();
  } finally {
    process.exit(status);
  }
}

process.on('uncaughtException', (error) => {
  // Written past process.stderr, which a live display may hold.
  writeSync(
    2,
    `vmkiln: unexpected error: ${error.stack ?? String(error)}\n  next: this is a bug in vmkiln: please report it\n`,
  );
  void killAndExit(1);
});

const controller = new AbortController();
// Every program that runs listens.
setMaxListeners(0, controller.signal);
const lostOutput = stopOnLostOutput(controller);
const status = await main(process.argv, controller);
// A pipe may still hold what was written; process.exit would drop it.
await flush(process.stdout);
const lost = lostOutput();
const failed = lost && (await tell(lost));
await flush(process.stderr);
process.exit(status === 0 ? (failed ?? 0) : status);
