import type { Plan, Prediction, StageName, StagePlan } from '../model.ts';
import type { Manifest } from './events.ts';
import { formatBytes } from '../text.ts';

/** What running each stage is likely to take, where anything is known. */
export type Predictions = Readonly<Partial<Record<StageName, Prediction>>>;

/** As many of the latest runs of a stage count. */
const sampleCount = 3;

/**
 * Predicts what each stage takes, from builds of the same family under the same accelerator, a rehearsal from
 * rehearsals. The latest runs under the same name count; else what the last plan of that name said, which has known
 * older ones; else the latest runs under other names.
 *
 * @param earlier manifests of earlier builds, the latest first.
 * @param previous the plan of the last build of that name.
 */
export function predict(
  earlier: readonly Manifest[],
  wanted: Pick<Manifest, 'name' | 'rehearsal'> & { family: string; accelerator: string },
  previous: Plan | undefined,
): Predictions {
  const alike = earlier.filter(
    ({ family, accelerator, rehearsal }) =>
      family === wanted.family && accelerator === wanted.accelerator && rehearsal === wanted.rehearsal,
  );
  const own = alike.filter(({ name }) => name === wanted.name);
  const before = previous?.host.accelerator === wanted.accelerator ? previous.stages : [];
  const known = new Set([...alike.flatMap(({ stages }) => stages), ...before].map(({ stage }) => stage));
  const found = [...known].map((stage): [StageName, Prediction | undefined] => [
    stage,
    typical(own, stage) ?? before.find((each) => each.stage === stage)?.predicted ?? typical(alike, stage),
  ]);
  return Object.fromEntries(found.flatMap(([stage, prediction]) => (prediction ? [[stage, prediction]] : [])));
}

/** The median of the latest builds that really ran the stage to its end. */
function typical(builds: readonly Manifest[], stage: StageName): Prediction | undefined {
  const runs = builds
    .flatMap(({ stages }) => stages.filter((each) => each.stage === stage && each.outcome === 'done'))
    .flatMap(({ seconds, bytes }) => (seconds === undefined || bytes === undefined ? [] : [{ seconds, bytes }]))
    .slice(0, sampleCount);
  if (runs.length === 0) return undefined;
  return { seconds: median(runs.map(({ seconds }) => seconds)), bytes: median(runs.map(({ bytes }) => bytes)) };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? 0;
  const lower = sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
  return (lower + upper) / 2;
}

/** The sum over the stages that will run, and the names of those of which nothing is known. */
export function predictedTotal(stages: readonly Pick<StagePlan, 'stage' | 'forecast' | 'predicted'>[]): {
  total: Prediction;
  unknown: StageName[];
} {
  const running = stages.filter(({ forecast }) => forecast === 'run');
  const total = { seconds: 0, bytes: 0 };
  for (const { predicted } of running) {
    total.seconds += predicted?.seconds ?? 0;
    total.bytes += predicted?.bytes ?? 0;
  }
  return { total, unknown: running.filter(({ predicted }) => !predicted).map(({ stage }) => stage) };
}

/** Where a build makes its files, and the bytes that are free there. */
export type FreeDisk = { folder: string; free: number };

/** A note for a build that will probably not fit; what is not known of a stage counts as nothing. */
export function roomNotes(stages: readonly StagePlan[], { folder, free }: FreeDisk): string[] {
  const { bytes } = predictedTotal(stages).total;
  if (bytes <= free) return [];
  const figures = `about ${formatBytes(bytes, 'up')} of disk, and ${folder} has ${formatBytes(free, 'down')} free`;
  return [`going by earlier builds this one needs ${figures} (\`vmkiln clean --keep-size SIZE\` makes room)`];
}
