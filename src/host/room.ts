import { readFileSync, statfsSync } from 'node:fs';
import { freemem } from 'node:os';

/** What this host has free at this moment, in bytes. */
export type Room = { memory: number; disk: number };

/** Reads what is free: memory that can be had without swapping, and disk space on the filesystem of `folder`. */
export function readRoom(folder: string): Room {
  const { bavail, bsize } = statfsSync(folder);
  return { memory: memAvailable(readFileSync('/proc/meminfo', 'utf8')) ?? freemem(), disk: bavail * bsize };
}

/** `MemAvailable` of /proc/meminfo (proc(5)) in bytes; kernels before 3.14 have none. */
export function memAvailable(meminfo: string): number | undefined {
  const kib = /^MemAvailable:\s+(\d+) kB$/m.exec(meminfo)?.[1];
  return kib === undefined ? undefined : Number(kib) * 1024;
}
