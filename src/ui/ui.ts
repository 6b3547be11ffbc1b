import type { Env, Event, World } from '../model.ts';
import type { uiKinds } from './kinds.ts';

/** How a build is shown. */
export type UiKind = (typeof uiKinds)[number];

/** Why a build never began: its recipe will not do, or everything was stopped before. */
export type Dropped = 'refused' | 'interrupted';

/** Shows builds. A user interface sees their events and nothing else; it decides nothing. */
export type Ui = {
  /** Shows an event of the build of `recipes[index]`. Never throws. */
  emit(event: Event, index: number): void;
  /** Learns why nothing more will be heard of the build of `recipes[index]`, which has told of no end. */
  drop(index: number, why: Dropped): void;
  /** Shows a line for the person at the terminal that belongs to no build. */
  say(message: string): void;
  /** Draws the last state and leaves the terminal as it was. */
  close(): Promise<void>;
};

/** What a command gets besides its arguments. */
export type CommandContext = {
  signal: AbortSignal;
  world: World;
  /** Shows a line to the person. */
  say: (message: string) => void;
  /** Runs `body` while lines go through `say`: a live display must not be written over. */
  sayThrough: <T>(say: (message: string) => void, body: () => Promise<T>) => Promise<T>;
};

/**
 * `pretty` when standard error is a terminal that can move its cursor and knows its size, which serial consoles do not, and
 * nobody says this is CI; else `plain`.
 */
export function defaultUi(stream: { isTTY?: boolean; columns?: number; rows?: number }, env: Env): UiKind {
  const isScreen = stream.isTTY === true && env['TERM'] !== 'dumb' && Boolean(stream.columns && stream.rows);
  return isScreen && !env['CI'] ? 'pretty' : 'plain';
}

/** A stream that may be a terminal: standard error, or what a test takes for it. */
export type Screen = Pick<NodeJS.WriteStream, 'write'> &
  Partial<Pick<NodeJS.WriteStream, 'on' | 'off'>> & { isTTY?: boolean; columns?: number; rows?: number };

/** How much is told: warnings and failures alone, or also what the programs print. */
export type Detail = 'quiet' | 'verbose';

/** What a user interface shows, and where: events for machines on `stdout`, all that is for people on `stderr`. */
export type UiOptions = {
  /** The builds, by their recipes as the user gave them, in order. */
  recipes: readonly string[];
  stdout: Pick<NodeJS.WriteStream, 'write'>;
  stderr: Screen;
  env: Env;
  /** Of `plain`. */
  detail?: Detail;
};

export async function openUi(kind: UiKind, options: UiOptions): Promise<Ui> {
  switch (kind) {
    case 'json':
      return (await import('./json.ts')).openJson(options.stdout, options.stderr);
    case 'plain':
      return (await import('./plain.ts')).openPlain(options.stderr, options);
    case 'pretty':
      return (await import('./live.ts')).openLive(options);
  }
}
