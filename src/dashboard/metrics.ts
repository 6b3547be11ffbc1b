import { Gauge, Registry } from 'prom-client';
import type { NightSummary } from '../factory/summary.ts';
import { errorCatalogue } from '../errors.ts';
import type { BuildRecord } from '../pipeline/builds.ts';
import { knownFailures } from '../pipeline/explain-build.ts';
import { imageBytes, secondsOf } from '../ui/builds-text.ts';
import type { FactoryAnswer, HostAnswer } from './answers.ts';

/** All that is measured. `stores` are the bytes that folders take. */
export type Measured = {
  builds: readonly BuildRecord[];
  nights: readonly NightSummary[];
  factory: FactoryAnswer | undefined;
  host: HostAnswer;
  stores: Readonly<Record<string, number>>;
};

/** Values of the label `cause`: the codes and the catalogue of known failures, so that no message makes a series of its own. */
const causes: ReadonlySet<string> = new Set([...Object.keys(errorCatalogue), ...knownFailures.map(({ id }) => id)]);

/**
 * What Prometheus reads (its text format). Everything is a gauge: it is counted from what is kept, and `vmkiln clean` takes that away. Times are
 * seconds since 1970, as https://prometheus.io/docs/practices/instrumentation/ has it: their age is for the query. Of images only those of the
 * factory have a series. Pure but for its form.
 */
export async function metricsText({ builds, nights, factory, host, stores }: Measured): Promise<string> {
  const registry = new Registry();
  const gauge = <T extends string = never>(name: string, help: string, labelNames: readonly T[] = []) =>
    new Gauge({ name: `vmkiln_${name}`, help, labelNames, registers: [registry] });

  gauge('info', 'The version of vmkiln.', ['version']).set({ version: host.vmkiln }, 1);

  const kept = gauge('builds', 'Builds that are kept, by outcome and cause of failure.', ['outcome', 'cause']);
  for (const outcome of ['running', 'done', 'interrupted'] as const) kept.set({ outcome, cause: '' }, 0);
  for (const build of builds) kept.inc({ outcome: build.outcome, cause: causeOf(build) });

  const names = (factory?.entries ?? []).map(({ name }) => name);
  const good = gauge('last_good_build_timestamp_seconds', 'When the last good build of an image ended.', ['image']);
  const took = gauge('last_good_build_duration_seconds', 'What it took.', ['image']);
  const size = gauge('last_good_build_image_bytes', 'The size of the image.', ['image']);
  const failing = gauge('last_build_failed', 'Whether the last build of an image that has come to its end failed.', [
    'image',
  ]);
  for (const image of names) {
    // What was stopped has neither succeeded nor failed.
    const own = builds.filter(({ name, outcome }) => name === image && !['running', 'interrupted'].includes(outcome));
    const last = own.find(({ outcome }) => outcome === 'done');
    if (own[0]) failing.set({ image }, own[0].outcome === 'done' ? 0 : 1);
    if (last?.endedAt === undefined) continue;
    good.set({ image }, Date.parse(last.endedAt) / 1000);
    took.set({ image }, secondsOf(last, 0) ?? 0);
    size.set({ image }, imageBytes(last) ?? 0);
  }

  const [night] = nights;
  if (night) {
    gauge('last_night_timestamp_seconds', 'When the last night ended.').set(Date.parse(night.endedAt) / 1000);
    gauge('last_night_duration_seconds', 'What it took.').set(night.seconds);
    const ended = gauge('last_night_entries', 'What the entries of the last night came to.', ['outcome']);
    for (const { outcome } of night.entries) ended.inc({ outcome });
  }
  if (factory?.next !== undefined)
    gauge('next_night_timestamp_seconds', 'When the next night is to begin.').set(Date.parse(factory.next) / 1000);

  const total = gauge('filesystem_size_bytes', 'The file system of a folder.', ['folder']);
  const free = gauge('filesystem_avail_bytes', 'What is free there.', ['folder']);
  for (const disk of host.disks) {
    total.set({ folder: disk.folder }, disk.total);
    free.set({ folder: disk.folder }, disk.free);
  }
  const taken = gauge('store_bytes', 'What is kept takes on disk.', ['store']);
  for (const [store, bytes] of Object.entries(stores)) taken.set({ store }, bytes);
  return registry.metrics();
}

/** Of a failed build the named cause, else the code; nothing of what it says. */
function causeOf({ failure, outcome }: BuildRecord): string {
  if (['running', 'done', 'interrupted'].includes(outcome)) return '';
  const found = [failure?.explanation?.id, failure?.code].find((each) => each !== undefined && causes.has(each));
  return found ?? 'UNKNOWN';
}
