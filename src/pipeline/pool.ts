import { availableParallelism } from 'node:os';
import { interrupted } from '../errors.ts';
import type { Weight } from '../model.ts';
import { readRoom, type Room } from '../host/room.ts';
import { formatBytes } from '../text.ts';

type Resource = keyof Weight;
const resources: readonly Resource[] = ['memory', 'cores', 'disk'];
const nothing: Weight = { memory: 0, cores: 0, disk: 0 };

/** Memory left to vmkiln, libvirt and everything else, in bytes. */
const memoryReserve = 512 * 1024 ** 2;
/** Milliseconds between two looks at the host while a stage waits: other programs give memory back without a word. */
const lookAgain = 2000;

type Ask = { weight: Weight; waiting: (message: string) => void; enter: () => void; told: boolean };

/**
 * What the builds of this process share. `memory` is how many bytes of it they may hold together: what was available
 * when none of them held any, or more where more was seen since.
 */
export type Pool = {
  readonly cores: number;
  readonly measure: () => Room;
  memory: number;
  held: Weight;
  waiting: Ask[];
  timer: NodeJS.Timeout | undefined;
};

/** A pool of this host. `work` is the folder of the work folders, whose filesystem gives the disk space. */
export function openPool(work: string): Pool {
  return poolOf(availableParallelism(), () => {
    const { memory, disk } = readRoom(work);
    return { memory: memory - memoryReserve, disk };
  });
}

/** A pool of so many cores, and of what `measure` finds of the rest. */
export function poolOf(cores: number, measure: () => Room): Pool {
  return { cores, measure, memory: 0, held: nothing, waiting: [], timer: undefined };
}

/**
 * Decides who of those that wait may begin: for each, in order, the resources it has to wait for. Who has none begins.
 * Pure.
 *
 * Everyone has a claim on what they ask for, also while they wait. So nobody takes what somebody before them waits for,
 * and the first in the line is served when enough has ended. A later one may pass only with what is left beyond all claims
 * before it: an upload beside an installation that waits for memory. What is more than the host has is given once
 * nobody else holds or claims any of that resource.
 */
export function admit(asks: readonly Weight[], held: Weight, free: Weight): Resource[][] {
  let [left, taken] = [free, held];
  return asks.map((ask) => {
    const lacks = resources.filter((name) => ask[name] > 0 && ask[name] > left[name] && taken[name] > 0);
    left = combine(left, ask, -1);
    taken = combine(taken, ask, 1);
    return lacks;
  });
}

/**
 * Runs `body` once the pool has room for its weight, and gives the room back however it ends.
 *
 * This cannot deadlock, although builds hold checkpoint locks while they wait here. Whoever is inside waits for no checkpoint
 * lock and does not enter again: a build runs one stage at a time, and takes a layer's lock before the stages that make it.
 * The locks that a stage takes itself (of a target's folder, a medium's hash, the start of virt-install) are held only
 * over work that never waits for the pool. So everyone inside comes to an end; whoever is first in the line then gets in,
 * ends too, and lets go of its checkpoint locks for those who wait outside, here and in other processes. Checkpoint locks
 * are taken from the last layer down to the first, so these waits have no circle either. Each process has a pool of
 * its own: processes see each other by what the host has left, and never wait for each other's stages here.
 *
 * @param options `waiting` is called once, if there is no room at first, with what is lacking. `what` names the work.
 * @throws VmkilnError INTERRUPTED when the signal aborts the waiting; and whatever `body` throws.
 */
export async function withWeight<T>(
  pool: Pool,
  weight: Weight,
  options: { what: string; signal: AbortSignal; waiting: (message: string) => void },
  body: () => Promise<T>,
): Promise<T> {
  await entered(pool, weight, options);
  try {
    return await body();
  } finally {
    pool.held = combine(pool.held, weight, -1);
    look(pool);
  }
}

function entered(
  pool: Pool,
  weight: Weight,
  { what, signal, waiting }: { what: string; signal: AbortSignal; waiting: (message: string) => void },
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(interrupted(`${what} waited for room`, signal));
    const leave = () => {
      pool.waiting = pool.waiting.filter((each) => each !== ask);
      reject(interrupted(`${what} waited for room`, signal));
      look(pool);
    };
    const enter = () => {
      signal.removeEventListener('abort', leave);
      resolve();
    };
    const ask: Ask = { weight, waiting, enter, told: false };
    signal.addEventListener('abort', leave, { once: true });
    pool.waiting.push(ask);
    look(pool);
  });
}

/** Lets in whom there is room for. Synchronous, so that two looks never decide about the same room. */
function look(pool: Pool): void {
  clearTimeout(pool.timer);
  if (pool.waiting.length === 0) return;
  const free = freeRoom(pool);
  const verdicts = admit(
    pool.waiting.map(({ weight }) => weight),
    pool.held,
    free,
  );
  const asks = pool.waiting;
  pool.waiting = [];
  for (const [index, ask] of asks.entries()) {
    const lacks = verdicts[index] ?? [];
    if (lacks.length === 0) {
      pool.held = combine(pool.held, ask.weight, 1);
      ask.enter();
      continue;
    }
    if (!ask.told)
      ask.waiting(waitingText(lacks, ask.weight, { cores: pool.cores, free, before: pool.waiting.length }));
    ask.told = true;
    pool.waiting.push(ask);
  }
  if (pool.waiting.length > 0) pool.timer = setTimeout(look, lookAgain, pool).unref();
}

/**
 * What may still be given. Memory is read at every look, so that other programs count, other vmkiln processes among them;
 * but a guest touches its memory only gradually, so what this process has promised counts in full too. Of the disk,
 * what a running stage has written counts twice until it ends: better late than full.
 */
function freeRoom(pool: Pool): Weight {
  const { memory, disk } = pool.measure();
  pool.memory = pool.held.memory === 0 ? memory : Math.max(pool.memory, memory);
  return {
    memory: Math.min(pool.memory - pool.held.memory, memory),
    cores: pool.cores - pool.held.cores,
    disk: disk - pool.held.disk,
  };
}

/** What a stage waits for, in words with amounts; `before` is how many asked earlier and wait too. */
function waitingText(
  lacks: readonly Resource[],
  weight: Weight,
  { cores, free, before }: { cores: number; free: Weight; before: number },
): string {
  const left = (name: Resource) => Math.max(0, free[name]);
  const words = {
    memory: () => `${formatBytes(weight.memory)} of memory (${formatBytes(left('memory'), 'down')} free)`,
    cores: () => `${count(weight.cores)} (${left('cores')} of ${cores} free)`,
    disk: () => `${formatBytes(weight.disk)} of disk space (${formatBytes(left('disk'), 'down')} free)`,
  };
  const turn = before === 0 ? '' : `, after ${before === 1 ? 'one other build' : `${before} other builds`}`;
  return `waiting for ${lacks.map((name) => words[name]()).join(' and ')}${turn}`;
}

function count(cores: number): string {
  return cores === 1 ? '1 core' : `${cores} cores`;
}

function combine(a: Weight, b: Weight, sign: 1 | -1): Weight {
  return { memory: a.memory + sign * b.memory, cores: a.cores + sign * b.cores, disk: a.disk + sign * b.disk };
}
