import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { VmkilnError } from '../errors.ts';
import type { World } from '../model.ts';
import { domainOf, foldersOf, readOwners } from '../store/owner.ts';
import { exec } from '../tools/exec.ts';
import { askState, listDomains, parseDomstate, parseNames } from '../tools/virsh.ts';
import { type BuildRecord, findBuild, isOf, listBuilds } from './builds.ts';
import { reapBuild } from './reap.ts';
import { openPaths } from './request.ts';

/** What is still there of a build: its work folder, and perhaps a domain at a libvirt connection URI. */
export type Kept = { build: BuildRecord; connect: string | undefined; domain: string; work: string };

/**
 * The build that a word means (`findBuild`), a name the latest that stands in one of these ways, and no word the latest of all
 * that do.
 *
 * @throws VmkilnError USAGE when it has kept nothing.
 */
export async function findKept(
  word: string | undefined,
  outcomes: readonly BuildRecord['outcome'][],
  world: World,
): Promise<Kept> {
  const all = await listBuilds(world);
  const meant = findBuild(all, word);
  const isKept = ({ outcome }: BuildRecord) => outcomes.includes(outcome);
  const isId = word !== undefined && (meant.build === word || meant.build.endsWith(`-${word}`));
  const build = isId
    ? [meant].find(isKept)
    : all.find((each) => isKept(each) && (word === undefined || isOf(each, word)));
  if (!build) {
    const message =
      word === undefined ? 'no build has kept anything' : `${meant.build} has kept nothing: it is ${meant.outcome}`;
    throw new VmkilnError('USAGE', message, {
      hint: '`vmkiln build --on-error keep` keeps the guest and the disk of a build that fails, until `vmkiln clean`',
    });
  }
  const paths = await openPaths(world);
  const owner = (await readOwners(paths)).find((each) => each.owner.build === build.build)?.owner;
  return { build, connect: owner?.connect, domain: domainOf(build.build), work: foldersOf(paths, build.build).work };
}

/** Removes what one build has kept. @throws VmkilnError COMMAND_FAILED when libvirt does not answer */
export async function releaseKept(build: string, world: World): Promise<void> {
  const paths = await openPaths(world);
  const found = (await readOwners(paths)).find(({ owner }) => owner.build === build && owner.kept);
  if (found) await reapBuild(paths, found.owner, world.env);
}

/**
 * The state of what is kept of a guest, as virsh has it ("running", "shut off"); undefined when there is no domain.
 *
 * @throws VmkilnError COMMAND_FAILED when libvirt does not answer, INTERRUPTED.
 */
export async function guestState({ connect, domain }: Kept, signal: AbortSignal): Promise<string | undefined> {
  if (connect === undefined) return undefined;
  const { stdout: names } = await exec({ ...listDomains(connect), signal });
  if (!parseNames(names).includes(domain)) return undefined;
  return parseDomstate((await exec({ ...askState(connect, domain), signal })).stdout).state;
}

/**
 * The disk that a build worked on last: the qcow2 in its work folder that was written last.
 *
 * @throws VmkilnError USAGE when there is none.
 */
export async function keptDisk({ build, work }: Kept): Promise<string> {
  const names = await readdir(work).catch(() => []);
  const disks = await Promise.all(
    names.map(async (name) => {
      const path = join(work, name);
      return (await isQcow2(path)) ? [{ path, time: (await stat(path)).mtimeMs }] : [];
    }),
  );
  const [last] = disks.flat().toSorted((a, b) => b.time - a.time);
  if (last) return last.path;
  throw new VmkilnError('USAGE', `${build.build} has kept no disk in ${work}`, {
    hint: 'it failed before it had one, or after its image was finished',
  });
}

async function isQcow2(path: string): Promise<boolean> {
  const file = path.endsWith('.qcow2') ? await open(path, 'r').catch(() => undefined) : undefined;
  if (!file) return false;
  try {
    const { buffer } = await file.read({ buffer: Buffer.alloc(4) });
    return buffer.toString('latin1') === 'QFI\u00fb';
  } finally {
    await file.close();
  }
}
