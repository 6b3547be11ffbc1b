import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { z } from 'zod';
import { type Difference, sections } from '../describe/diff.ts';
import { fullVersion } from '../describe/inventory.ts';
import { loadInventory } from '../describe/load.ts';
import { inBuild } from '../describe/names.ts';
import type { Log } from '../explain/logs.ts';
import type { Event } from '../model.ts';
import { readLogs } from '../pipeline/build-logs.ts';
import { type BuildRecord, type CommandRecord, commandsOf, hasFailed } from '../pipeline/builds.ts';
import { readEvents } from '../pipeline/event-file.ts';
import { explainRecord } from '../pipeline/explain-build.ts';
import { allHarmless, harmless } from '../text.ts';

/** Of all logs together at most so many bytes are shown, and of one of them at most so many at its end. */
const mostBytes = 4 * 1024 * 1024;
const mostOfOne = 256 * 1024;
/** A larger picture is no screenshot. */
const largestPicture = 4 * 1024 * 1024;

const verdictForm = z.object({
  passed: z.boolean(),
  results: z.array(
    z.object({ check: z.string(), outcome: z.enum(['passed', 'failed', 'skipped']), message: z.string() }),
  ),
});
const differenceForm = z.object({
  since: z.string(),
  changes: z.partialRecord(
    z.enum(sections),
    z.array(
      z.object({
        kind: z.enum(['added', 'removed', 'changed']),
        name: z.string(),
        details: z.array(z.object({ field: z.string(), from: z.string().optional(), to: z.string().optional() })),
        direction: z.enum(['upgraded', 'downgraded']).optional(),
      }),
    ),
  ),
});

const vulnerabilitiesForm = z.object({ scanner: z.string(), counts: z.record(z.string(), z.number()) });

/** What the checks of a booted image found, as `verify.json` has it. */
type Verdict = z.infer<typeof verdictForm>;

/** A PNG of the guest's screen. */
type Picture = { name: string; png: Buffer };

/** A log as it is shown: the end of a long one, whose first line has the number `first`, from 1. */
export type ShownLog = Required<Log>;

/** Everything that the folder of a build says of it. Texts are harmless; what no stage has left is undefined or empty. */
export type Facts = {
  build: BuildRecord;
  events: Event[];
  commands: CommandRecord[];
  explained: Awaited<ReturnType<typeof explainRecord>> | undefined;
  verdict: Verdict | undefined;
  /** How the image differs from that of the build `since`, the last that was published. */
  difference: { since: string; changes: Partial<Difference['changes']> } | undefined;
  /** How many are known, by their severity, as the hook vulnerabilities.mjs has left them. */
  vulnerabilities: z.infer<typeof vulnerabilitiesForm> | undefined;
  ports: { port: string; process: string }[] | undefined;
  packages: { name: string; version: string; arch: string }[] | undefined;
  pictures: Picture[];
  logs: ShownLog[];
};

/** Reads what a build has left. */
export async function readFacts(build: BuildRecord): Promise<Facts> {
  const { folder } = build;
  const [events, explained, verdict, difference, vulnerabilities, inventory, pictures, logs] = await Promise.all([
    readEvents(folder),
    hasFailed(build) ? explainRecord(build) : undefined,
    readForm(verdictForm, join(folder, inBuild.verdict)),
    readForm(differenceForm, join(folder, inBuild.difference)),
    readForm(vulnerabilitiesForm, join(folder, 'vulnerabilities.json')),
    loadInventory(join(folder, inBuild.inventory)).catch(() => undefined),
    readPictures(join(folder, 'failure')),
    readLogs(folder, { isInstallation: true }),
  ]);
  const commands = commandsOf(events);
  const packages = inventory?.packages.map((each) => {
    return { name: each.name, version: fullVersion(each), arch: each.arch ?? '' };
  });
  const ports = inventory?.ports?.map(({ protocol, port, process = '' }) => ({ port: `${port}/${protocol}`, process }));
  const texts = {
    build,
    events,
    commands,
    explained,
    verdict,
    difference: difference as Facts['difference'],
    packages,
    ports,
    vulnerabilities,
  };
  return { ...present(texts), pictures, logs: shownLogs(logs) };
}

/** JSON has no undefined: what was left out stays a key. */
function present<T extends Partial<Facts>>(texts: T): T {
  return { ...texts, ...allHarmless(texts) };
}

/** A file of JSON; undefined when there is none, or one of another form. */
async function readForm<F extends z.ZodType>(form: F, file: string): Promise<z.infer<F> | undefined> {
  try {
    return form.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return undefined;
  }
}

async function readPictures(folder: string): Promise<Picture[]> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.png')).toSorted();
  const pictures = await Promise.all(
    names.map(async (name) => ({
      name: harmless(name),
      png: await readFile(join(folder, name)).catch(() => Buffer.alloc(0)),
    })),
  );
  return pictures.filter(({ png }) => png.subarray(1, 4).toString('latin1') === 'PNG' && png.length <= largestPicture);
}

/** Logs with something in them, without what steers a terminal. Pure. */
export function shownLogs(logs: readonly Log[]): ShownLog[] {
  let left = mostBytes;
  return logs.flatMap(({ file, text, first = 1 }) => {
    if (text.trim() === '') return [];
    const shown = endOf(text, Math.min(mostOfOne, left));
    left -= shown.length;
    const skipped = text.slice(0, text.length - shown.length).split('\n').length - 1;
    // Lines keep their numbers: a program that draws a line anew has one.
    const plain = stripVTControlCharacters(shown).replaceAll('\r\n', '\n').replaceAll('\r', ' ');
    return [{ file: harmless(file, { oneLine: true }), first: first + skipped, text: harmless(plain) }];
  });
}

/** The last whole lines of a text. */
function endOf(text: string, characters: number): string {
  if (text.length <= characters) return text;
  const start = text.indexOf('\n', text.length - characters) + 1;
  return start === 0 ? text.slice(text.length - characters) : text.slice(start);
}
