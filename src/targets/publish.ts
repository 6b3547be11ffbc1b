import { messageOf, VmkilnError } from '../errors.ts';
import type { Published } from '../model.ts';
import { openTarget, type PlannedTarget } from './index.ts';
import type { ImageToPublish, Looking, TargetContext } from './target.ts';

/** Whether images can be published to every place, as far as it can be told beforehand. @throws VmkilnError */
export async function checkTargets(planned: readonly PlannedTarget[], looking: Looking): Promise<void> {
  await Promise.all(planned.map((each) => openTarget(each).check(looking)));
}

/**
 * Publishes to all places at once. One that fails does not stop the others; what is done is `done`, also when it throws.
 *
 * @throws the first failure, with the places that failed in its message if there are several places.
 */
export async function publishAll(
  planned: readonly PlannedTarget[],
  image: ImageToPublish,
  context: TargetContext,
  done: (published: Published) => void,
): Promise<Published[]> {
  const places = planned.map(openTarget);
  const results = await Promise.allSettled(
    places.map(async (place) => {
      const published = await place.publish(image, context);
      done(published);
      return published;
    }),
  );
  const failed = results.flatMap((result, index) =>
    result.status === 'rejected' ? [{ name: places[index]?.name ?? '', error: result.reason as unknown }] : [],
  );
  const [first] = failed;
  if (first === undefined) return results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  if (!(first.error instanceof VmkilnError) || places.length === 1) throw first.error;
  const names = failed.map(({ name }) => name).join(', ');
  const rest = failed.slice(1).map(({ name, error }) => `\n${name}: ${messageOf(error)}`);
  throw new VmkilnError(
    first.error.code,
    `${failed.length} of ${places.length} targets failed (${names}): ${first.error.message}${rest.join('')}`,
    {
      hint: `${first.error.hint ?? 'fix that'}; then run it again: what is published stays`,
      cause: first.error.cause,
    },
  );
}
