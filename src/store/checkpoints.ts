import { open, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import fs from 'fs-extra';
import type { StageName } from '../model.ts';
import { digestsOf } from './digest.ts';
import { evict } from './evict.ts';
import { fileSizes, syncFolder, writeAtomic } from './files.ts';
import { withLock } from './lock.ts';

/**
 * A stage's result in the checkpoint store. The record `<fingerprint>.json` names the file; a file is never replaced,
 * so an overlay's backing file stays what it was even when the stage is run again. `size` is in bytes.
 */
export type Layer = {
  /** Of the record's form; docs/formats.md. Records of vmkiln 0.1.0 have none, and are of the same form. */
  version?: number;
  fingerprint: string;
  stage: StageName;
  path: string;
  sha256: string;
  /** That of a flat file too; records of vmkiln 0.1.0 lack it. */
  sha512?: string;
  size: number;
  /** The layer below, whose file is this one's backing file. Absent when it stands alone. */
  backing?: { fingerprint: string; path: string };
  /** The image that a document tells of: it says nothing of another one, even of the same fingerprint. */
  about?: { fingerprint: string; path: string };
  /** A file outside of the store that is this one's backing file, and the size and time it had then. */
  base?: Base;
  build: string;
  madeAt: string;
  /** When the updates in it were installed (ISO 8601), by the stage itself or by one below. */
  dated?: string;
  /** Seconds that making it took. */
  seconds: number;
};

/** The form of the records that are written. */
const recordVersion = 1;

type Base = { path: string; size: number; mtimeMs: number };

/** The lock under which layers are pinned and removed. */
export const pinsLock = 'pins';

/** What `make` hands over: a finished file on the store's filesystem, to be taken by rename. */
export type Made = {
  file: string;
  stage: StageName;
  backing?: Layer;
  about?: Layer;
  base?: string;
  build: string;
  flat: boolean;
  dated?: string | undefined;
};

/** The layer of that fingerprint, if its file and its whole backing chain are there, and the image that it is about. */
export async function findLayer(store: string, fingerprint: string): Promise<Layer | undefined> {
  const layer = await readRecord(store, fingerprint);
  if (!layer || !(await fs.pathExists(layer.path))) return undefined;
  const { about, backing, base } = layer;
  if (about && (await findLayer(store, about.fingerprint))?.path !== about.path) return undefined;
  if (base && !isDeepStrictEqual(base, await stampOf(base.path))) return undefined;
  // The file below must be the very one that the overlay names, even if its stage was run again since.
  if (backing && !((await fs.pathExists(backing.path)) && (await findLayer(store, backing.fingerprint))))
    return undefined;
  return layer;
}

/** Whether the updates in a layer are older than `maxAge` seconds at `now` (milliseconds since 1970). */
export function isOutdated({ dated }: Pick<Layer, 'dated'>, maxAge: number | undefined, now: number): boolean {
  return dated !== undefined && maxAge !== undefined && now - Date.parse(dated) > maxAge * 1000;
}

/**
 * The layer of that fingerprint: found, or made once by whoever holds its lock while the others wait.
 * `fresh` makes it anew even if it is there, and so does an age of its updates above `maxAge` seconds.
 */
export async function obtain(
  store: string,
  fingerprint: string,
  options: { fresh: boolean; maxAge?: number | undefined; signal: AbortSignal; waiting: () => void },
  make: () => Promise<Made>,
): Promise<{ layer: Layer; reused: boolean }> {
  return withLock(store, fingerprint, options, async () => {
    const found = options.fresh ? undefined : await findLayer(store, fingerprint);
    if (found && !isOutdated(found, options.maxAge, Date.now())) {
      await markUsed(store, fingerprint);
      return { layer: found, reused: true };
    }
    const started = performance.now();
    const made = await make();
    const seconds = (performance.now() - started) / 1000;
    return { layer: await keep(store, fingerprint, made, { seconds, signal: options.signal }), reused: false };
  });
}

/** The time of a record's last change is that of the layer's last use. A build does not fail for want of it. */
async function markUsed(store: string, fingerprint: string): Promise<void> {
  const now = new Date();
  await utimes(recordFile(store, fingerprint), now, now).catch(() => undefined);
}

async function keep(
  store: string,
  fingerprint: string,
  made: Made,
  { seconds, signal }: { seconds: number; signal: AbortSignal },
): Promise<Layer> {
  const path = join(store, `${fingerprint.slice(0, 16)}-${made.build}.${made.stage}.qcow2`);
  const file = await open(made.file, 'r');
  const { size } = await file.stat();
  await file.sync();
  await file.close();
  const base = made.base === undefined ? undefined : await stampOf(made.base);
  const layer: Layer = {
    version: recordVersion,
    fingerprint,
    stage: made.stage,
    path,
    ...(made.flat ? await digestsOf(made.file, signal) : { sha256: '' }),
    size,
    ...(made.backing && { backing: nameOf(made.backing) }),
    ...(made.about && { about: nameOf(made.about) }),
    ...(base && { base }),
    build: made.build,
    ...(made.dated === undefined ? {} : { dated: made.dated }),
    madeAt: new Date().toISOString(),
    seconds,
  };
  await rename(made.file, path);
  await syncFolder(store);
  await writeAtomic(recordFile(store, fingerprint), `${JSON.stringify(layer)}\n`, 0o644);
  return layer;
}

function nameOf({ fingerprint, path }: Layer): { fingerprint: string; path: string } {
  return { fingerprint, path };
}

/** What shows that a file is still the one it was. */
async function stampOf(path: string): Promise<Base | undefined> {
  return stat(path).then(
    ({ size, mtimeMs }) => ({ path, size, mtimeMs }),
    () => undefined,
  );
}

/** Every record in the store. */
async function listLayers(store: string): Promise<Layer[]> {
  const names = await readdir(store).catch(() => []);
  const records = names.filter((name) => name.endsWith('.json')).map((name) => readRecord(store, name.slice(0, -5)));
  return (await Promise.all(records)).filter((layer) => layer !== undefined);
}

/** The layers that can be reused, by their fingerprints. */
export async function usableLayers(store: string): Promise<Map<string, Layer>> {
  const records = await listLayers(store);
  const found = await Promise.all(records.map(({ fingerprint }) => findLayer(store, fingerprint)));
  return new Map(found.flatMap((layer) => (layer ? [[layer.fingerprint, layer]] : [])));
}

/** A file that was removed from the store: a layer's, or one that no record names. */
type Removed = { path: string; bytes: number; used: number; layer: Layer | undefined };

/**
 * Removes the least recently used layers, each with its record, until the files of the store take at most `keepBytes`
 * (allocated bytes; 0 removes all). Layers `inUse` stay, with all below them. Files that no record names go too.
 * Returns what was removed; with `dryRun` what would be.
 */
export async function removeLayers(
  store: string,
  inUse: ReadonlySet<string>,
  keepBytes = 0,
  dryRun = false,
): Promise<readonly Removed[]> {
  const layers = await listLayers(store);
  const sizes = await fileSizes(store);
  const recorded = new Map(layers.map((layer) => [layer.path, layer.fingerprint]));
  const files = await Promise.all(
    layers.map(async (layer) => ({
      id: layer.fingerprint,
      below: [layer.backing, layer.about].flatMap((each) => (each ? [each.fingerprint, each.path] : [])),
      bytes: sizes.get(layer.path) ?? 0,
      used: (await stat(recordFile(store, layer.fingerprint))).mtimeMs,
      path: layer.path,
      layer,
    })),
  );
  const others = [...sizes].flatMap(([path, bytes]) =>
    path.endsWith('.json') || recorded.has(path)
      ? []
      : [{ id: path, below: [], bytes, used: 0, path, layer: undefined }],
  );
  // While anything is in use, a file without a record may be the old backing file of a running build: it stays.
  const kept = inUse.size > 0 ? new Set([...inUse, ...others.map(({ id }) => id)]) : inUse;
  const standing = new Set(files.flatMap(({ below }) => below));
  const lost = others.filter(({ id }) => !kept.has(id) && !standing.has(id));
  const removed = [
    ...lost,
    ...evict(
      [...files, ...others].filter((file) => !lost.some(({ id }) => id === file.id)),
      kept,
      keepBytes,
    ),
  ];
  for (const { path, layer } of dryRun ? [] : removed) {
    if (layer) await rm(recordFile(store, layer.fingerprint), { force: true });
    await rm(path, { force: true });
  }
  return removed;
}

/**
 * Removes the files that a build was killed over between their last rename and their record. One below an overlay stays:
 * its own record may name a newer file by now.
 */
export async function removeUnrecorded(store: string, build: string): Promise<void> {
  const layers = await listLayers(store);
  const named = new Set(layers.flatMap(({ path, backing }) => (backing ? [path, backing.path] : [path])));
  for (const name of await readdir(store).catch(() => [])) {
    const path = join(store, name);
    if (name.slice(17).startsWith(`${build}.`) && name.endsWith('.qcow2') && !named.has(path)) {
      await rm(path, { force: true });
    }
  }
}

async function readRecord(store: string, fingerprint: string): Promise<Layer | undefined> {
  const record: Layer | null | undefined = await fs
    .readJson(recordFile(store, fingerprint), { throws: false })
    .catch(() => undefined);
  // What a newer version has written may mean something else: it is left to that version.
  return record && (record.version ?? recordVersion) <= recordVersion ? record : undefined;
}

function recordFile(store: string, fingerprint: string): string {
  return join(store, `${fingerprint}.json`);
}
