/** A file of the checkpoint store, as far as it matters for what goes first. */
export type Stored = {
  id: string;
  /** Ids of the files it stands on directly. What is not in the store does not count. */
  below: readonly string[];
  /** Allocated on disk. */
  bytes: number;
  /** When a build last made or reused it, in milliseconds of the epoch. */
  used: number;
};

/**
 * What to remove so that the rest takes at most `keepBytes` (0: everything that may go), in the order of removal.
 * The least recently used go first; a file counts as used when one that stands on it was, and goes after that one.
 * What is in use stays, with all it stands on, even if it alone takes more. Pure.
 */
export function evict<T extends Stored>(stored: readonly T[], inUse: ReadonlySet<string>, keepBytes: number): T[] {
  const byId = new Map(stored.map((file) => [file.id, file]));
  const chainOf = (id: string, chain = new Set<string>()): Set<string> => {
    const file = chain.has(id) ? undefined : byId.get(id);
    chain.add(id);
    for (const below of file?.below ?? []) chainOf(below, chain);
    return chain;
  };
  const chains = new Map(stored.map(({ id }) => [id, chainOf(id)]));
  const pinned = new Set([...inUse].flatMap((id) => [...(chains.get(id) ?? [])]));
  const used = new Map<string, number>();
  for (const file of stored) {
    for (const id of chains.get(file.id) ?? []) used.set(id, Math.max(used.get(id) ?? 0, file.used));
  }
  const height = ({ id }: T) => chains.get(id)?.size ?? 0;
  const candidates = stored
    .filter(({ id }) => !pinned.has(id))
    .toSorted((a, b) => (used.get(a.id) ?? 0) - (used.get(b.id) ?? 0) || height(b) - height(a));
  let total = stored.reduce((sum, { bytes }) => sum + bytes, 0);
  const fits = () => keepBytes > 0 && total <= keepBytes;
  return candidates.filter(({ bytes }) => {
    if (fits()) return false;
    total -= bytes;
    return true;
  });
}
