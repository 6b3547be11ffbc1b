import { messageOf } from '../errors.ts';
import type { Plan, World } from '../model.ts';
import type { Publication } from '../stages/stage.ts';
import { findLayer } from '../store/checkpoints.ts';
import { openTarget, type PlannedTarget } from '../targets/index.ts';
import { serialNow } from '../targets/serial.ts';
import type { ImageToPublish } from '../targets/target.ts';
import { stages } from './stages.ts';

/** What publishing would change at one place, in sentences; or why that is not known, or does not come to pass. */
export type TargetChanges = { target: string; name: string; changes?: readonly string[]; unknown?: string };

/** Milliseconds that a target gets to answer. */
const patience = 20_000;

/**
 * What a plan would change at each of its targets, as far as they tell: a cloud that is out of reach, or asks for a login
 * that is not there, is no reason for a plan to fail.
 *
 * @param world `offline` asks nobody beyond this host.
 */
export async function targetChanges(
  plan: Plan,
  store: string,
  { signal, offline, ...world }: World & { signal: AbortSignal; offline: boolean },
): Promise<TargetChanges[]> {
  const step = plan.stages.find(({ stage }) => stages.find(({ name }) => name === stage)?.publishes);
  if (!step) return [];
  const { image, targets } = step.settings as Publication;
  if (step.forecast === 'skip') return targets.map((each) => ({ ...named(each), unknown: step.because }));
  // What a build that begins now would publish.
  const found = { ...image, ...(await builtImage(plan, store)), serial: serialNow() };
  const ask = async (planned: PlannedTarget): Promise<TargetChanges> => {
    if (offline && !planned.local) return { ...named(planned), unknown: 'it was not asked (--offline)' };
    try {
      const looking = { ...world, signal: AbortSignal.any([signal, AbortSignal.timeout(patience)]) };
      return { ...named(planned), changes: await openTarget(planned).changes(found, looking) };
    } catch (error) {
      signal.throwIfAborted();
      return { ...named(planned), unknown: messageOf(error) };
    }
  };
  return Promise.all(targets.map(ask));
}

function named({ target, name }: PlannedTarget): Pick<TargetChanges, 'target' | 'name'> {
  return { target, name };
}

/** The image as the store has it, when it is reused; one that is still to be built has no bytes yet. */
async function builtImage(
  plan: Plan,
  store: string,
): Promise<Pick<ImageToPublish, 'path' | 'sha256' | 'sha512' | 'size' | 'build'>> {
  const layer = imageFingerprint(plan, 'reuse');
  const found = layer === undefined ? undefined : await findLayer(store, layer);
  const { path = '', sha256 = '', sha512, size = 0, build = '' } = found ?? {};
  return { path, sha256, sha512, size, build };
}

/** The fingerprint of the image that a plan makes, if it is forecast so. */
export function imageFingerprint(plan: Plan, forecast?: 'reuse'): string | undefined {
  const stage = stages.find(({ leaves }) => leaves?.image)?.name;
  const step = plan.stages.find((each) => each.stage === stage);
  return forecast === undefined || step?.forecast === forecast ? step?.fingerprint : undefined;
}
