import { clean as cleanStore } from '../pipeline/clean.ts';
import { formatBytes } from '../ui/format.ts';
import type { Session } from '../ui/ui.ts';

/** `vmkiln clean`: removes what dead builds left, and on request what finished ones left. */
export async function clean(options: { cache?: boolean; builds?: boolean }, { signal }: Session): Promise<void> {
  const { cache = false, builds = false } = options;
  const { removed, freedBytes, kept } = await cleanStore({ cache, builds, signal, emit: () => undefined });
  const lines = [
    ...removed,
    ...kept.map(({ what, why }) => `kept ${what}: ${why}`),
    removed.length === 0 ? 'nothing to remove' : `${formatBytes(freedBytes)} freed`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
