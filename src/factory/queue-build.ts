import { hostname } from 'node:os';
import { VmkilnError } from '../errors.ts';
import type { Event, StageName, World } from '../model.ts';
import { parseEvent } from '../pipeline/event-file.ts';
import type { Serial } from '../targets/serial.ts';
import { exec } from '../tools/exec.ts';
import type { FactoryEntry } from './form.ts';
import type { BuildRecord } from './queue-jobs.ts';
import { failureOf } from './summary.ts';

/** How a worker builds. `command` runs this vmkiln; `hidden` is a variable that the build is not to see; `limit` is in seconds. */
export type Builder = {
  command: readonly string[];
  hidden: string | undefined;
  limit: number;
  world: World;
  signal: AbortSignal;
  serial: Serial;
  /** The stage that it begins with, whatever the checkpoints say. */
  from?: StageName;
  /** What became of it so far, and the event that says so. Of progress and commands nothing is told. */
  tell: (record: BuildRecord, event: Event) => void;
};

const quiet: readonly Event['type'][] = ['progress', 'command-started', 'command-finished'];

/**
 * Builds an entry in a process group of its own, which ends at once when `signal` aborts, and with this process, even by SIGKILL. What its
 * programs leave then is reaped by the next build on this host.
 *
 * @returns what came of it, a failure of the build among that.
 * @throws VmkilnError INTERRUPTED when `signal` aborted.
 */
export async function buildByChild({ recipe, vars, out }: FactoryEntry, builder: Builder): Promise<BuildRecord> {
  const { command, hidden, limit, world, signal, serial, from, tell } = builder;
  const [program = '', ...words] = command;
  const sets = Object.entries(vars).flatMap(([name, value]) => ['--set', `${name}=${value}`]);
  const to = [...(out === undefined ? [] : ['--out', out]), ...(from === undefined ? [] : ['--from', from])];
  const record: BuildRecord = { host: hostname(), published: [] };
  try {
    await exec({
      ...{ program, args: [...words, 'build', recipe, ...sets, ...to, '--serial', serial, '--ui', 'json'] },
      ...{ timeout: limit, signal, cwd: world.cwd, confined: {} },
      env: hidden === undefined ? {} : { [hidden]: '' },
      onLine: (line) => {
        const event = parseEvent(line);
        if (event === undefined) return;
        note(record, event);
        if (!quiet.includes(event.type)) tell(record, event);
      },
    });
  } catch (error) {
    if (signal.aborted) throw error;
    record.failure ??= failureOf(
      error instanceof VmkilnError && error.code === 'COMMAND_TIMEOUT'
        ? new VmkilnError('LIMIT_REACHED', error.message, { hint: 'raise limits.build of the factory' })
        : error,
    );
  }
  return record;
}

function note(record: BuildRecord, event: Event): void {
  if (event.type === 'build-started') Object.assign(record, { build: event.build, folder: event.folder });
  if (event.type === 'build-finished') record.seconds = event.seconds;
  if (event.type === 'published') {
    const { at: _at, build: _build, type: _type, ...published } = event;
    record.published.push(published);
  }
  if (event.type === 'failed') {
    const { code, message, hint, stage, explanation, bundle } = event;
    record.failure = {
      ...{ code, message },
      ...(hint !== undefined && { hint }),
      ...(stage !== undefined && { stage }),
      ...(explanation && { explanation }),
    };
    if (bundle !== undefined) record.bundle = bundle;
  }
}
