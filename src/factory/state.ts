import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Identity } from '../media/identity.ts';
import type { Published, StagePlan } from '../model.ts';
import { writeAtomic } from '../store/files.ts';
import type { Paths } from '../store/paths.ts';
import type { EntrySummary, NightSummary } from './summary.ts';
import type { Failed } from './retry.ts';
import type { Tried } from './updates.ts';
import type { Version } from './versions.ts';

/** A stage as the last good build planned it. */
type SeenStage = Pick<StagePlan, 'stage' | 'fingerprint' | 'parts'>;

/** All that could change an image, as it was seen before its last good build. */
export type Seen = {
  stages: SeenStage[];
  /** Of the recipe's targets. */
  upload: string;
  /** Remote media by their role. */
  media: Record<string, Identity>;
  /** Digests of the repositories, by their addresses. */
  repositories: Record<string, string>;
  /** Undefined when the build was not described. */
  installed?: Version[];
  tried: Tried;
};

/** What is kept of an entry from one night to the next: docs/factory.md. Times are ISO 8601. */
export type EntryState = {
  version: 1;
  name: string;
  recipe: string;
  /** When its schedule was last looked at. */
  lookedAt: string;
  /** The last good build: its id, when it began, and what each of the recipe's places has of it, in their order. */
  build?: string;
  builtAt?: string;
  published?: Pick<Published, 'location' | 'sha256'>[];
  /** The host that made it, and what it said of its image, where that is another one than decides. */
  host?: string;
  statements?: string;
  /** The last promotion that succeeded everywhere: of which build, to which channel, and what the recipe's places had of it. */
  promoted?: { build: string; channel: string; images?: Pick<Published, 'location' | 'sha256'>[] };
  seen?: Seen;
  /** The last build, if it failed. */
  failed?: Failed;
  /** What became of it in the last night that tried to build it: a night that is begun again goes on from there. */
  ended?: { night: string; summary: EntrySummary };
};

/** The folder of a factory's state, which is made. */
export async function openState(paths: Paths, factory: string): Promise<string> {
  const folder = join(paths.state, 'factory', factory);
  await mkdir(join(folder, 'entries'), { recursive: true, mode: 0o711 });
  await mkdir(join(folder, 'nights'), { recursive: true, mode: 0o711 });
  return folder;
}

/** What is known of an entry. What cannot be read, or is of a newer version, costs a build. */
export async function readState(folder: string, name: string): Promise<EntryState | undefined> {
  try {
    const state = JSON.parse(await readFile(stateFile(folder, name), 'utf8')) as EntryState;
    return state.version === 1 ? state : undefined;
  } catch {
    return undefined;
  }
}

/** @throws VmkilnError DISK_FULL; errors of the file system as they are. */
export async function writeState(folder: string, state: EntryState): Promise<void> {
  await writeAtomic(stateFile(folder, state.name), `${JSON.stringify(state)}\n`);
}

/** The summaries of the latest nights that are kept, the latest first: at most `count`. What cannot be read is left out. */
export async function readNights(folder: string, count: number): Promise<NightSummary[]> {
  const nights = join(folder, 'nights');
  const names = (await readdir(nights).catch(() => [])).filter((name) => name.endsWith('.json'));
  const latest = names.toSorted().toReversed().slice(0, count);
  const read = latest.map(async (name) => {
    try {
      const night = JSON.parse(await readFile(join(nights, name), 'utf8')) as NightSummary;
      return night.version === 1 && Array.isArray(night.entries) ? night : undefined;
    } catch {
      return undefined;
    }
  });
  return (await Promise.all(read)).filter((night) => night !== undefined);
}

function stateFile(folder: string, name: string): string {
  return join(folder, 'entries', `${name}.json`);
}
