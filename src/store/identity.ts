import type { BigIntStats } from 'node:fs';

/**
 * What tells that a file is still the one that was looked at. The time of last status change would tell more, and cannot
 * count: libvirt changes the owner of every medium that it uses.
 */
export type Identity = Record<'dev' | 'ino' | 'size' | 'mtimeNs', string>;

export function identityOf({ dev, ino, size, mtimeNs }: BigIntStats): Identity {
  return { dev: `${dev}`, ino: `${ino}`, size: `${size}`, mtimeNs: `${mtimeNs}` };
}

export function isSame(known: Identity, stats: BigIntStats): boolean {
  const now = identityOf(stats);
  return (['dev', 'ino', 'size', 'mtimeNs'] as const).every((key) => known[key] === now[key]);
}
