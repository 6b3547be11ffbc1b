import { clean as cleanStore } from '../pipeline/clean.ts';
import { VmkilnError } from '../errors.ts';
import { parseSize } from '../recipe/units.ts';
import { show } from '../recipe/values.ts';
import type { CommandContext } from '../ui/ui.ts';
import { formatBytes, harmless, jsonText } from '../text.ts';

/** `vmkiln clean`: removes what dead builds left, and on request what finished ones left; says what, in lines or as one JSON value. */
export async function clean(
  options: {
    cache?: boolean;
    keepSize?: string;
    builds?: boolean;
    keep?: number;
    keepDays?: number;
    dryRun?: boolean;
    json?: boolean;
  },
  { signal, world }: CommandContext,
): Promise<void> {
  const { cache = false, builds = false, dryRun = false } = options;
  const retention = retentionOf(options);
  const keep = options.keepSize === undefined ? {} : { keepBytes: sizeOf(options.keepSize) };
  const result = await cleanStore({
    world,
    cache,
    builds,
    ...keep,
    ...(retention && { retention }),
    dryRun,
    signal,
    emit: () => undefined,
  });
  if (options.json) return void process.stdout.write(`${jsonText({ dryRun, ...result })}\n`);
  const { removed, freedBytes, kept } = result;
  const lines = [
    ...removed,
    ...kept.map(({ what, why }) => `kept ${what}: ${why}`),
    removed.length === 0 ? 'nothing to remove' : `${formatBytes(freedBytes)} ${dryRun ? 'would be freed' : 'freed'}`,
  ];
  process.stdout.write(harmless(`${lines.join('\n')}\n`));
}

/** @throws VmkilnError USAGE for builds to keep where none are removed. */
function retentionOf({ builds, keep, keepDays }: { builds?: boolean; keep?: number; keepDays?: number }) {
  if (keep === undefined && keepDays === undefined) return undefined;
  if (!builds) {
    throw new VmkilnError(
      'USAGE',
      `--${keep === undefined ? 'keep-days' : 'keep'} says which builds stay: it needs --builds`,
      {
        hint: 'vmkiln clean --builds --keep 30 --keep-days 90; for checkpoints there is --keep-size',
      },
    );
  }
  return { ...(keep !== undefined && { count: keep }), ...(keepDays !== undefined && { days: keepDays }) };
}

function sizeOf(text: string): number {
  const bytes = parseSize(text);
  if (bytes !== undefined) return bytes;
  throw new VmkilnError('USAGE', `--keep-size: expected a size like 50G, got ${show(text)}`, {
    hint: 'write a number and a unit: K, M, G, T or KiB, MiB, GiB, TiB',
  });
}
