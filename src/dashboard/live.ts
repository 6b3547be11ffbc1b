import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Event } from '../model.ts';
import type { BuildRecord } from '../pipeline/builds.ts';
import { followEvents, readEvents } from '../pipeline/event-file.ts';
import { domainOf, readOwner } from '../store/owner.ts';
import type { Paths } from '../store/paths.ts';
import { isAlive } from '../store/process.ts';
import { exec } from '../tools/exec.ts';
import { screenshotToPng } from '../tools/screenshot.ts';
import { takeScreenshot } from '../tools/virsh.ts';
import { openPlain } from '../ui/plain.ts';

/** Milliseconds for which a screenshot is the latest: however many look, libvirt is not asked more often. */
const shown = 2000;

/** Turns the events of one build into texts, in their order; none for what only machines want. */
export type Shape = (event: Event) => string[];

/** Each event as it is. */
export const asJson = (): Shape => (event) => [JSON.stringify(event)];

/** As the plain display prints them, each as a JSON string. */
export function asText(): Shape {
  const texts: string[] = [];
  const ui = openPlain({ write: (text: string) => texts.push(text) }, { recipes: [''] });
  return (event) => {
    ui.emit(event, 0);
    return texts.splice(0).map((text) => JSON.stringify(text.trimEnd()));
  };
}

/** The log so far, and how many events are in it. */
export async function logOf({ folder }: BuildRecord): Promise<{ lines: string[]; count: number }> {
  const events = await readEvents(folder);
  const shape = asText();
  return { lines: events.flatMap(shape).map((text) => JSON.parse(text) as string), count: events.length };
}

/**
 * The events of a build as messages of text/event-stream (https://html.spec.whatwg.org/multipage/server-sent-events.html): those after the first
 * `after`, as they are written, until it has ended, and an `end` then. The id of a message is the number of its event, from 1.
 */
export async function* streamOf(
  { build, folder }: BuildRecord,
  { paths, signal, after, shape }: { paths: Paths; signal: AbortSignal; after: number; shape: Shape },
): AsyncGenerator<string> {
  // Whoever asks learns at once that somebody answers.
  yield ': \n\n';
  let id = 0;
  for await (const event of followEvents(folder, { isRunning: async () => isRunning(paths, build), signal })) {
    id += 1;
    const texts = shape(event);
    if (id > after) for (const text of texts) yield `id: ${id}\ndata: ${text}\n\n`;
  }
  if (!signal.aborted) yield 'event: end\ndata: {}\n\n';
}

async function isRunning(paths: Paths, build: string): Promise<boolean> {
  const owner = await readOwner(paths, build);
  return owner !== undefined && !owner.kept && isAlive(owner);
}

/** What the screen of a build's guest shows, as PNG; undefined when there is none, or libvirt does not say. */
export type Screens = (build: string) => Promise<Buffer | undefined>;

export function openScreens({ paths, signal }: { paths: Paths; signal: AbortSignal }): Screens {
  const latest = new Map<string, { at: number; picture: Promise<Buffer | undefined> }>();
  return (build) => {
    for (const [other, { at }] of latest) if (at + shown < Date.now()) latest.delete(other);
    const found = latest.get(build);
    if (found) return found.picture;
    const picture = takeOne(build, paths, signal).catch(() => undefined);
    latest.set(build, { at: Date.now(), picture });
    return picture;
  };
}

async function takeOne(build: string, paths: Paths, signal: AbortSignal): Promise<Buffer | undefined> {
  const owner = await readOwner(paths, build);
  if (owner?.connect === undefined || !(await isRunning(paths, build))) return undefined;
  const folder = await mkdtemp(join(tmpdir(), 'vmkiln-screen-'));
  try {
    const raw = join(folder, 'screen');
    await exec({ ...takeScreenshot(owner.connect, domainOf(build), raw), signal });
    return screenshotToPng(await readFile(raw));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
