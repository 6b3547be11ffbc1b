import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, VmkilnError } from '../errors.ts';
import type { NightSummary } from '../factory/summary.ts';
import type { BuildRecord } from '../pipeline/builds.ts';
import { checkForFile, writeAtomic } from '../store/files.ts';
import { makeFolders } from '../store/paths.ts';
import { allHarmless } from '../text.ts';
import { buildView, linkTo, type Neighbours, pageName } from './build-page.ts';
import { readFacts } from './facts.ts';
import { generator, htmlOf } from './html.ts';
import { indexView } from './index-page.ts';
import { nightView } from './night-page.ts';

/** The index beside the pages of all builds. */
const indexFile = 'index.html';

/**
 * Writes the page of one build. `all` are the builds whose folders are there, the latest first.
 *
 * @throws VmkilnError USAGE when it cannot be written, or something is there that is no report; DISK_FULL.
 */
export async function writePage(build: BuildRecord, all: readonly BuildRecord[], file: string): Promise<void> {
  const html = await pageOf(build, allHarmless(all), undefined);
  await writing(file, async () => {
    await checkReplaceable(file);
    await writeAtomic(file, html);
  });
}

/**
 * Writes the pages of all builds and an index over them into a folder, which is made.
 *
 * @returns the path of the index.
 * @throws VmkilnError USAGE, before anything is written, when one of the files is there and is no report; DISK_FULL, INTERRUPTED.
 */
export async function writePages(
  all: readonly BuildRecord[],
  folder: string,
  { signal, progress }: { signal: AbortSignal; progress: (message: string, fraction: number) => void },
): Promise<string> {
  const harmless = allHarmless(all);
  const files = harmless.map(({ build }) => join(folder, pageName(build)));
  const index = join(folder, indexFile);
  await writing(folder, async () => {
    for (const file of [index, ...files]) await checkReplaceable(file);
    await makeFolders(folder);
    for (const [at, build] of all.entries()) {
      signal.throwIfAborted();
      progress('writing the pages', at / all.length);
      await writeAtomic(files[at] ?? '', await pageOf(build, harmless, neighboursOf(harmless, at)));
    }
    await writeAtomic(index, htmlOf({ kind: 'index', view: indexView(harmless) }));
  });
  return index;
}

/** A place that cannot be written is a mistake of whoever named it. */
async function writing(place: string, write: () => Promise<void>): Promise<void> {
  await write().catch((cause: unknown) => {
    if (!(cause instanceof Error && 'syscall' in cause)) throw cause;
    throw new VmkilnError('USAGE', `${place} cannot be written: ${messageOf(cause)}`, {
      hint: 'name a file in a folder that is there and that you may write; with --all, a folder',
      cause,
    });
  });
}

/**
 * Writes the page of a night into a folder, which is made, and beside it those of its builds that this night has.
 *
 * @param all the builds whose folders are there, the latest first.
 * @returns the path of the page.
 * @throws VmkilnError USAGE, DISK_FULL.
 */
export async function writeNight(night: NightSummary, all: readonly BuildRecord[], folder: string): Promise<string> {
  const builds = all.filter(({ build }) => night.entries.some((entry) => entry.build === build));
  const file = join(folder, `${night.night}.html`);
  await writing(folder, async () => {
    await makeFolders(folder);
    for (const build of builds) await writePage(build, all, join(folder, pageName(build.build)));
    const view = nightView(allHarmless(night), new Set(builds.map(({ build }) => build)));
    await checkReplaceable(file);
    await writeAtomic(file, htmlOf({ kind: 'night', view }));
  });
  return file;
}

/** The page of a build as HTML. `all` are the builds, the latest first, with harmless texts. */
export async function pageOf(build: BuildRecord, all: readonly BuildRecord[], neighbours: Neighbours | undefined) {
  return htmlOf({ kind: 'build', view: buildView(await readFacts(build), all, neighbours) });
}

/** The pages of the builds of the same name before and after one. Pure. */
export function neighboursOf(all: readonly BuildRecord[], at: number): Neighbours {
  const isSame = ({ name }: BuildRecord) => name === all[at]?.name;
  const link = (build: BuildRecord | undefined) => (build ? linkTo(pageName(build.build)) : '');
  return {
    index: linkTo(indexFile),
    earlier: link(all.slice(at + 1).find(isSame)),
    later: link(all.slice(0, at).findLast(isSame)),
  };
}

/** A report is made anew; nothing else is replaced. */
async function checkReplaceable(path: string): Promise<void> {
  await checkForFile(path);
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });
  if (!file) return;
  try {
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(1024) });
    if (buffer.subarray(0, bytesRead).toString('utf8').includes(generator)) return;
  } finally {
    await file.close();
  }
  throw new VmkilnError('USAGE', `${path} is there, and is no report`, {
    hint: 'name another file, or move it away',
  });
}
