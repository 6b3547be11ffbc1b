import { appendFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../errors.ts';
import type { Env, Event } from '../model.ts';
import { fileSizes, removeDeadTemporaries } from '../store/files.ts';
import { cleanTarget } from '../targets/index.ts';
import { withLock } from '../store/lock.ts';
import { removeUnrecorded } from '../store/checkpoints.ts';
import { domainOf, foldersOf, type Owner, readOwners, releaseOwner } from '../store/owner.ts';
import type { Paths } from '../store/paths.ts';
import { commandLineOf, processesOf } from '../store/process.ts';
import { removeBootFiles, removeDeadSockets, removeDomain, removeStoragePool } from '../store/leftovers.ts';
import { exec } from '../tools/exec.ts';
import type { RunVirsh } from '../tools/virsh.ts';

/**
 * Removes what builds left whose process is gone: programs, domain, work folder, and last the owner record, so that a
 * reaper that is killed itself is followed by another. Returns a sentence per build.
 */
export async function reapDead(
  paths: Paths,
  options: { kept: boolean; env: Env; signal: AbortSignal },
): Promise<string[]> {
  return withLock(paths.state, 'reap', { signal: options.signal }, async () => {
    const dead = (await readOwners(paths)).filter(({ owner, alive }) => !alive && (options.kept || !owner.kept));
    const sentences: string[] = [];
    const builds = (await readdir(paths.builds)).map((build) => join(paths.builds, build));
    for (const folder of [paths.state, paths.cache, paths.checkpoints, paths.media, ...builds]) {
      await removeDeadTemporaries(folder);
    }
    for (const { owner } of dead) {
      try {
        await reapBuild(paths, owner, options.env);
      } catch (error) {
        // Its record stays for the next time. Another libvirt that is down must not keep every build from starting.
        if (options.signal.aborted) throw error;
        sentences.push(`could not clean up after ${owner.build}: ${messageOf(error)}`);
        continue;
      }
      if (!owner.kept) await closeEvents(foldersOf(paths, owner.build).folder, owner.build);
      sentences.push(
        owner.kept
          ? `removed what ${owner.build} was told to keep`
          : `cleaned up after ${owner.build}, which was cut short`,
      );
    }
    return sentences;
  });
}

/** Removes everything one build could have left outside its folder of documents. Safe to repeat. */
export async function reapBuild(paths: Paths, owner: Owner, env: Env): Promise<void> {
  const { work } = foldersOf(paths, owner.build);
  await killProcesses(owner.build);
  await removeDeadSockets();
  if (owner.connect !== undefined) {
    await removeDomain(runVirsh, { connect: owner.connect, domain: domainOf(owner.build), env });
    await removeStoragePool(runVirsh, owner.connect, owner.build);
  }
  await removeBootFiles(owner.startedAt, env);
  await removeUnrecorded(paths.checkpoints, owner.build);
  for (const target of owner.targets ?? []) await cleanTarget(target, owner.build, owner.cwd ?? '/');
  await rm(work, { recursive: true, force: true, maxRetries: 3 });
  await releaseOwner(paths, owner.build);
}

/** Kills a build's programs and removes the socket folders that libguestfs makes for each appliance in /tmp. */
async function killProcesses(build: string): Promise<void> {
  const sockets = new Set<string>();
  for (let round = 0; round < 20; round += 1) {
    const pids = processesOf(build);
    if (pids.length === 0) break;
    for (const pid of pids) {
      for (const word of commandLineOf(pid)) {
        const socket = /(\/tmp\/libguestfs[A-Za-z0-9]{6})\//.exec(word)?.[1];
        if (socket) sockets.add(socket);
      }
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has just ended.
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  for (const socket of sockets) await rm(socket, { recursive: true, force: true });
}

const runVirsh: RunVirsh = (call) => exec({ ...call, timeout: 10, signal: AbortSignal.timeout(10_000) });

/** Ends the event log of a build that could not do so itself. */
async function closeEvents(folder: string, build: string): Promise<void> {
  const event: Event = {
    at: new Date().toISOString(),
    build,
    type: 'failed',
    code: 'INTERRUPTED',
    message: 'the process of this build ended without finishing it',
  };
  await appendFile(join(folder, 'events.ndjson'), `${JSON.stringify(event)}\n`).catch(() => undefined);
}

/** Allocated bytes below a folder. */
export async function folderSize(folder: string): Promise<number> {
  return [...(await fileSizes(folder)).values()].reduce((sum, size) => sum + size, 0);
}
