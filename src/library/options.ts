import type { Event, World } from '../model.ts';
import type { BuildContext } from '../pipeline/request.ts';

/** Where a call happens, and how it is followed and stopped. */
export type Options = {
  /** Environment variables, in place of the process's: secrets of recipes, VMKILN_HOME, OS_* and proxies are taken from it. */
  env?: World['env'];
  /** The folder that relative paths begin in; by default the process's. */
  cwd?: string;
  /** Stops the call: what it began is cleaned up, and it rejects with the code INTERRUPTED. */
  signal?: AbortSignal;
  /** Gets each event of a build as it happens, and must not throw. */
  onEvent?: (event: Event) => void;
};

export function contextOf({ env = process.env, cwd = process.cwd(), signal, onEvent }: Options): BuildContext {
  return {
    signal: signal ?? new AbortController().signal,
    emit: onEvent ?? (() => undefined),
    world: { env, cwd },
  };
}

/** KEY=VALUE words, as the command line has them. */
export function words(values: Readonly<Record<string, string>> = {}): string[] {
  return Object.entries(values).map(([key, value]) => `${key}=${value}`);
}
