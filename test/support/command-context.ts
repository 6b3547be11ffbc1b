import type { CommandContext } from '../../src/ui/ui.ts';

/** What a command gets from the command line, for a test that calls it by itself and hears nothing. */
export function commandContext(signal = new AbortController().signal): CommandContext {
  return {
    signal,
    say: () => undefined,
    sayThrough: (_say, body) => body(),
    world: { env: process.env, cwd: process.cwd() },
  };
}
