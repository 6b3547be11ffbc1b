import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Event, Plan, StageName } from '../../src/model.ts';
import { lockAddress } from '../../src/store/lock.ts';
import { processesOf } from '../../src/store/process.ts';
import { run } from './image.ts';
import { leftovers, type Started, testHome } from './vmkiln.ts';

const cache = join(testHome, 'cache');
const checkpoints = join(cache, 'checkpoints');
const builds = join(testHome, 'state/builds');

/** Numbers from 0 to 1 that a seed repeats (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** How a build meets its end: the process alone, its process group, or everything it started at once, as in a power cut. */
export const ways = ['alone', 'group', 'everything'] as const;

/** Ends a build without a warning. Returns whether it was still there. */
export function kill(started: Started, way: (typeof ways)[number]): boolean {
  const build = started.events[0]?.build;
  const others = way === 'everything' && build !== undefined ? processesOf(build) : [];
  let was = true;
  try {
    process.kill(way === 'group' ? -started.pid : started.pid, 'SIGKILL');
  } catch {
    was = false;
  }
  for (const pid of others) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended with its parent.
    }
  }
  return was;
}

/** Where a build was: the last stage that had begun, or what came before any. */
export function reached(events: readonly Event[]): StageName | 'prepare' | 'store' {
  const last = events.findLast(({ type }) => type === 'stage-started' || type === 'stage-finished');
  if (last?.type === 'stage-started') return last.stage;
  // Between two stages: a layer is being put into the store.
  return last?.type === 'stage-finished' ? 'store' : 'prepare';
}

/** The fingerprints of a build's layers by stage. */
export function layersOf(build: string): Partial<Record<StageName, string>> {
  const plan = JSON.parse(readFileSync(join(builds, build, 'plan.json'), 'utf8')) as Plan;
  return Object.fromEntries(plan.stages.map(({ stage, fingerprint }) => [stage, fingerprint ?? '']));
}

/** Removes a layer from the store, its record first. */
export function removeLayer(fingerprint: string): void {
  rmSync(join(checkpoints, `${fingerprint}.json`), { force: true });
  for (const name of readdirSync(checkpoints)) {
    if (name.startsWith(fingerprint.slice(0, 16))) rmSync(join(checkpoints, name));
  }
}

/** Whether the store has a layer. */
export const hasLayer = (fingerprint: string) => existsSync(join(checkpoints, `${fingerprint}.json`));

/** What lay in /tmp before the test: it is not ours. */
const before = new Set(await leftovers('no build has this name'));

/**
 * Everything that a build may have left on this machine and in the folder of its image. Empty when all is well. Of the
 * locks those of its layers and of that folder are looked for: others may be of another build.
 */
export async function allLeftovers(build: string, out: string, fingerprints: readonly string[]): Promise<string[]> {
  const recorded = readdirSync(checkpoints)
    .filter((name) => name.endsWith('.json'))
    .map((name) => readFileSync(join(checkpoints, name), 'utf8'));
  const layers = readdirSync(checkpoints).filter((name) => name.includes(build) && name.endsWith('.qcow2'));
  const unnamed = layers.filter((name) => !recorded.some((record) => record.includes(name)));
  const temporaries = await run('find', [testHome, out, '-name', '.*.tmp', '-o', '-name', '.*.partial']);
  const sockets = readFileSync('/proc/net/unix', 'utf8');
  const living = (file: string) => existsSync(`/proc/${/\.vmkiln-(\d+)-/.exec(file)?.[1] ?? 'none'}`);
  const locks: string[] = [];
  const names = fingerprints.map((fingerprint) => [checkpoints, fingerprint] as const);
  for (const [root, name] of [...names, [out, ''] as const]) {
    const address = (await lockAddress(root, name)).replace('\0', '@');
    if (sockets.includes(address)) locks.push(`lock ${name} of ${root}`);
  }
  const still = (await leftovers(build)).filter((line) => !before.has(line));
  return [
    ...still,
    ...unnamed.map((name) => `layer ${name}`),
    ...temporaries.split('\n').filter((line) => line !== '' && !living(line)),
    ...locks,
  ];
}
