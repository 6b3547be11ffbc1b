// What a program costs, as the kernel counts it. Sizes in bytes, times in seconds.
import { readFileSync, statfsSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, start } from './programs.mjs';

/** Milliseconds between two samples of free disk space and of memory. */
const interval = 200;
/** Ticks of /proc/stat in a second (USER_HZ, the same on every Linux). */
const ticks = 100;

/**
 * Runs a program and measures: wall time, CPU time of the whole machine (QEMU is a child of libvirtd, not ours), bytes
 * written to the disk under `folder` (with what was still in the page cache at the end), the largest dip of its free space,
 * and the peak of the program's own resident memory, without its children's.
 */
export async function measure(program, args, { folder, ...options }) {
  ask('sync', []);
  const disk = diskOf(folder);
  const before = { cpu: cpuTime().busy, written: written(disk), free: freeSpace(folder) };
  let leastFree = before.free;
  let memory;
  const begun = performance.now();
  const { pid, done } = start(program, args, options);
  const ended = new AbortController();
  const sampler = (async () => {
    while (!ended.signal.aborted) {
      leastFree = Math.min(leastFree, freeSpace(folder));
      memory = peakMemory(pid) ?? memory;
      await sleep(interval);
    }
  })();
  try {
    await done;
  } finally {
    ended.abort();
  }
  const seconds = (performance.now() - begun) / 1000;
  const cpuSeconds = cpuTime().busy - before.cpu;
  await sampler;
  ask('sync', []);
  const after = written(disk);
  return {
    seconds,
    cpuSeconds,
    writtenBytes: after === undefined || before.written === undefined ? undefined : after - before.written,
    peakDiskBytes: before.free - leastFree,
    peakMemoryBytes: memory,
  };
}

/** The part of the machine's CPU time that is used while the benchmark does nothing: 0 is idle, 1 is all cores. */
export async function background(seconds = 4) {
  const before = cpuTime();
  await sleep(seconds * 1000);
  const after = cpuTime();
  return (after.busy - before.busy) / (after.total - before.total);
}

/** CPU time of all cores since boot: user, nice, system, irq and softirq are busy. Guests count as user time (proc(5)). */
function cpuTime() {
  const line = readFileSync('/proc/stat', 'utf8').split('\n')[0];
  const [user, nice, system, idle, iowait, irq, softirq, steal] = line.trim().split(/\s+/).slice(1).map(Number);
  const busy = user + nice + system + irq + softirq;
  return { busy: busy / ticks, total: (busy + idle + iowait + steal) / ticks };
}

/** Major and minor number of the block device below a folder. */
function diskOf(folder) {
  const { dev } = statSync(folder);
  return `${(dev >> 8) & 0xfff} ${(dev & 0xff) | ((dev >> 12) & 0xfff00)}`;
}

/** Bytes written to a block device since boot; undefined for a filesystem that has none of its own. */
function written(disk) {
  const line = readFileSync('/proc/diskstats', 'utf8')
    .split('\n')
    .map((each) => each.trim().split(/\s+/))
    .find(([major, minor]) => `${major} ${minor}` === disk);
  // The tenth field counts sectors, which are 512 bytes here whatever the disk says.
  return line === undefined ? undefined : Number(line[9]) * 512;
}

function freeSpace(folder) {
  const { bfree, bsize } = statfsSync(folder);
  return bfree * bsize;
}

function peakMemory(pid) {
  try {
    const match = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return match ? Number(match[1]) * 1024 : undefined;
  } catch {
    return undefined;
  }
}
