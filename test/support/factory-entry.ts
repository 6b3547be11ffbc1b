import type { EntrySummary, NightSummary } from '../../src/factory/summary.ts';

/** The entry of that name. */
export function entrySummary({ entries }: NightSummary, name: string): EntrySummary {
  const found = entries.find((entry) => entry.name === name);
  if (!found) throw new Error(`the night has no entry ${name}`);
  return found;
}
