import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeAtomic } from '../store/files.ts';

/** Findings that take long, each with the key of the circumstances it was found in. */
type Entries = Record<string, { key: string; value: unknown }>;

export type HostCache = {
  /** The value found under the same key before, or what `find` finds now. */
  remember: <T>(name: string, key: string, find: () => Promise<T>) => Promise<T>;
  /** Writes what was found anew. A cache that cannot be written costs time and nothing else. */
  save: () => Promise<void>;
};

/** Opens `<folder>/host.json`. With `fresh`, nothing old is believed. */
export async function openHostCache(folder: string, fresh: boolean): Promise<HostCache> {
  const path = join(folder, 'host.json');
  const entries: Entries = fresh ? {} : await readFile(path, 'utf8').then(parseEntries, () => ({}));
  let changed = false;
  return {
    async remember<T>(name: string, key: string, find: () => Promise<T>): Promise<T> {
      const known = entries[name];
      if (known?.key === key) return known.value as T;
      const value = await find();
      entries[name] = { key, value };
      changed = true;
      return value;
    },
    async save() {
      if (!changed) return;
      await mkdir(folder, { recursive: true, mode: 0o711 })
        .then(() => writeAtomic(path, JSON.stringify(entries)))
        .catch(() => undefined);
    },
  };
}

function parseEntries(text: string): Entries {
  try {
    const data: unknown = JSON.parse(text);
    return typeof data === 'object' && data !== null && !Array.isArray(data) ? (data as Entries) : {};
  } catch {
    return {};
  }
}
