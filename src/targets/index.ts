import { messageOf, VmkilnError } from '../errors.ts';
import type { Published } from '../model.ts';
import type { Recipe } from '../recipe/recipe.ts';
import { directory } from './directory/directory.ts';
import { glance, placesOf } from './glance/glance.ts';
import { targetsIn } from './recipe.ts';
import type { ImageToPublish, Target, TargetContext } from './target.ts';

/** One place an image goes to, with its name for messages. */
export type Place = {
  name: string;
  check: () => Promise<void>;
  changes: (image: ImageToPublish) => Promise<string[]>;
  publish: (image: ImageToPublish, context: TargetContext) => Promise<Published>;
};

/** Every place that a recipe's `upload` list names; a target for several clouds is as many places. */
export function placesFrom(upload: Recipe['upload']): Place[] {
  return targetsIn(upload).flatMap((target): Place[] => {
    if (target.glance) return placesOf(target.glance).map((spec) => placeOf(spec.cloud ?? 'the cloud', glance, spec));
    if (target.directory) return [placeOf(target.directory.path, directory, target.directory)];
    return [];
  });
}

function placeOf<Spec>(name: string, target: Target<Spec>, spec: Spec): Place {
  return {
    name,
    check: () => target.check(spec),
    changes: (image) => target.changes(image, spec),
    publish: (image, context) => target.publish(image, spec, context),
  };
}

/** Whether images can be published to every place, as far as it can be told beforehand. @throws VmkilnError */
export async function checkTargets(upload: Recipe['upload']): Promise<void> {
  await Promise.all(placesFrom(upload).map((place) => place.check()));
}

/**
 * Publishes to all places at once. One that fails does not stop the others; what is done is `done`, also when it throws.
 *
 * @throws the first failure, with the places that failed in its message if there are several places.
 */
export async function publishAll(
  places: readonly Place[],
  image: ImageToPublish,
  context: TargetContext,
  done: (published: Published) => void,
): Promise<Published[]> {
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
      hint: `${first.error.hint ?? 'mend that'}; then run it again: what is published stays`,
      cause: first.error.cause,
    },
  );
}
