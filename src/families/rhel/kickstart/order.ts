/** A partition that a kickstart asks for, as far as its place on the disk depends on it. Sizes are MiB. */
export type Wish = {
  mount: string;
  fstype: string;
  size: number;
  grow: boolean;
  /** 0: it grows without end. */
  maxsize: number;
  asprimary: boolean;
  /** Whether it names its disk. */
  placed: boolean;
};

/**
 * Partitions in the order in which Anaconda puts them on a disk (blivet, `partition_compare` in partitioning.py): what boots,
 * /boot, those that name their disk, those with `--asprimary`, fixed sizes before growing ones, larger before smaller ones, then
 * by the most they may grow to, then by mount point. The practice installer sorts alike (disks.py).
 */
export function partitionOrder<W extends Wish>(wishes: readonly W[]): W[] {
  return wishes.toSorted((one, other) => {
    const [mine, its] = [keys(one), keys(other)];
    const index = mine.findIndex((key, at) => key !== its[at]);
    const difference = index < 0 ? 0 : (mine[index] ?? 0) - (its[index] ?? 0);
    if (difference !== 0 || !one.mount.startsWith('/') || !other.mount.startsWith('/')) return difference;
    return one.mount < other.mount ? -1 : Number(one.mount > other.mount);
  });
}

function keys({ mount, fstype, size, grow, maxsize, asprimary, placed }: Wish): number[] {
  const boots = /^(biosboot|prepboot|appleboot)$/.test(fstype) || mount === '/boot/efi';
  return [
    boots ? 0 : mount === '/boot' ? 1 : 2,
    placed ? 0 : 1,
    asprimary ? 0 : 1,
    grow ? 1 : 0,
    -size,
    grow ? -(maxsize === 0 ? Number.MAX_SAFE_INTEGER : maxsize) : 0,
  ];
}
