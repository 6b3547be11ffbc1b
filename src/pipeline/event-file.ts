import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Event } from '../model.ts';
import { follow } from '../stages/follow.ts';

/** The file of a build's folder with its events, one a line. */
export const eventsFile = 'events.ndjson';

/** Milliseconds between two looks at the log of a build that runs. */
const interval = 300;

/** The events of a build so far. A line that is only half written, or cannot be read, is left out. */
export async function readEvents(folder: string): Promise<Event[]> {
  const text = await readFile(join(folder, eventsFile), 'utf8').catch(() => '');
  return text.split('\n').flatMap((line) => parseEvent(line) ?? []);
}

/** The events of a build as they are written, until it has ended: those from before come first. */
export async function* followEvents(
  folder: string,
  { isRunning, signal }: { isRunning: () => Promise<boolean>; signal: AbortSignal },
): AsyncGenerator<Event> {
  const read = follow(join(folder, eventsFile));
  for (let runs = true; runs;) {
    // What is written before it ends is read after that.
    runs = !signal.aborted && (await isRunning());
    for (const line of await read()) {
      const event = parseEvent(line);
      if (event) yield event;
    }
    if (runs) await sleep(interval, undefined, { signal }).catch(() => undefined);
  }
}

/** One line of an event log; undefined when it is none. */
export function parseEvent(line: string): Event | undefined {
  try {
    const event: unknown = JSON.parse(line);
    return typeof event === 'object' && event !== null && 'type' in event ? (event as Event) : undefined;
  } catch {
    return undefined;
  }
}
