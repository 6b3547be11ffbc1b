import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import fs from 'fs-extra';
import { VmkilnError } from '../errors.ts';
import { writeAtomic } from './files.ts';
import { withLock } from './lock.ts';
import type { Paths } from './paths.ts';
import { isAlive, ownIdentity, type ProcessIdentity } from './process.ts';

/**
 * Who is responsible for a build's leftovers. Written before anything else is created: every name that a build uses
 * (domain, work folder, processes) derives from its id, so this record alone is enough to find all of it again.
 */
export type Owner = ProcessIdentity & {
  build: string;
  /** Milliseconds since 1970. */
  startedAt: number;
  /** libvirt connection URI, once it is known. */
  connect?: string;
  /** Fingerprints of the checkpoints in use, which `clean` leaves alone. */
  uses: string[];
  /** Where it publishes to, once that is known: a target with what it needs to know; in version 0.1.0 a folder, absolute. */
  targets?: readonly (string | { target: string; spec: unknown })[];
  /** The folder that relative paths in `targets` count from. */
  cwd?: string;
  /** The build failed and was asked to leave everything in place. */
  kept?: boolean;
};

/** The libvirt domain of a build. */
export function domainOf(build: string): string {
  return `vmkiln-${build}`;
}

/** Folders of one build: documents that stay, and work files that go. */
export function foldersOf(paths: Paths, build: string): { folder: string; work: string } {
  return { folder: join(paths.builds, build), work: join(paths.work, build) };
}

/** The lock under which a build's folder gets its owner record: under it, a folder without one belongs to nobody. */
export const buildsLock = 'builds';

/**
 * Creates the build's folders, the owner record first.
 *
 * @throws VmkilnError INTERRUPTED; COMMAND_FAILED when the id is taken: it has a random part, but a short one.
 */
export async function createBuild(paths: Paths, build: string, signal: AbortSignal): Promise<Owner> {
  const { folder, work } = foldersOf(paths, build);
  const owner: Owner = { ...ownIdentity(), build, startedAt: Date.now(), uses: [] };
  await withLock(paths.builds, buildsLock, { signal }, async () => {
    await mkdir(folder, { mode: 0o711 }).catch((cause: unknown) => {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
      throw new VmkilnError('COMMAND_FAILED', `there is a build ${build} already`, { hint: 'run it again', cause });
    });
    await writeOwner(paths, owner);
  });
  await mkdir(join(folder, 'logs'), { recursive: true });
  // QEMU runs as another user under the system libvirt: it must be able to pass through, not to list.
  await mkdir(work, { recursive: true, mode: 0o711 });
  await mkdir(join(work, 'tmp'), { mode: 0o700 });
  return owner;
}

/** Stores the record; it is complete on disk when this resolves. */
export async function writeOwner(paths: Paths, owner: Owner): Promise<void> {
  await writeAtomic(ownerFile(paths, owner.build), `${JSON.stringify(owner)}\n`, 0o600);
}

/** Ends the responsibility: nothing of the build is left that could need reaping. */
export async function releaseOwner(paths: Paths, build: string): Promise<void> {
  await rm(ownerFile(paths, build), { force: true });
}

/** The records of all builds that still have something to clean up, living or dead. */
export async function readOwners(paths: Paths): Promise<{ owner: Owner; alive: boolean }[]> {
  const builds = await readdir(paths.builds).catch(() => []);
  const owners = await Promise.all(builds.map((build) => readOwner(paths, build)));
  return owners.filter((owner) => owner !== undefined).map((owner) => ({ owner, alive: isAlive(owner) }));
}

/** The record of one build, if it has one. */
export async function readOwner(paths: Paths, build: string): Promise<Owner | undefined> {
  return fs.readJson(ownerFile(paths, build)).catch(() => undefined);
}

function ownerFile(paths: Paths, build: string): string {
  return join(paths.builds, build, 'owner.json');
}
