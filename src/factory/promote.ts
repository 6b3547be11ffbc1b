import { basename } from 'node:path';
import { promote, statementsOfBuild } from '../channels/promote.ts';
import { readPublicKey } from '../describe/public-key.ts';
import { messageOf, VmkilnError } from '../errors.ts';
import type { Published, World } from '../model.ts';
import type { Paths } from '../store/paths.ts';
import type { ChannelPlace, Outcome } from '../targets/channel-place.ts';
import { serialOfBuild } from '../targets/serial.ts';
import { placesWithChannels } from './channel.ts';
import type { Job } from './jobs.ts';
import type { EntryState } from './state.ts';

type Sent = Pick<Published, 'location' | 'sha256'>;

/** What promoting takes of a night. */
type Promoting = { world: World; signal: AbortSignal; paths: Paths };

/**
 * What became of a promotion at one place: `overtaken` by somebody else, there before, or not tried, since people have `left` the image, or `revoked` it. `location` is that
 * of the channel's image.
 */
export type Promoted = {
  channel: string;
  place: string;
  end: Outcome['end'] | 'left' | 'revoked';
  generation: number;
  location?: string;
};

/** A promotion in words. Pure. */
export function promotedText({ channel, place, end, generation, location = '' }: Promoted): string {
  const image = location.startsWith('/') ? basename(location) : location;
  const what = `${channel} of ${place}`;
  if (end === 'overtaken') return `somebody else was later: ${what} has ${image}`;
  if (end === 'left')
    return `not promoted to ${what} again: somebody has left it${image === '' ? '' : ` for ${image}`}`;
  if (end === 'revoked') return `not promoted to ${what}: it was revoked`;
  return end === 'unchanged' ? `${what} had it already` : `promoted to ${what}: ${image}, generation ${generation}`;
}

/** Whether the image came to a channel, or was there. Pure. */
export function isInChannel(promoted: readonly Promoted[]): boolean {
  return promoted.some(({ end }) => end === 'reached' || end === 'unchanged');
}

/** Whether what the last good build published has yet to come to the channel. Pure. */
export function isPromotionDue({ channel }: Job, { build, published, promoted }: EntryState): boolean {
  if (!channel || build === undefined || published === undefined) return false;
  return promoted?.build !== build || promoted.channel !== channel.name;
}

/**
 * Whether the channels of a job want a signature that nobody would ask for: so that it is refused before an hour of building. A place that
 * does not answer wants nothing yet: whether it can be published to is for the build to find out.
 *
 * @throws VmkilnError CHANNEL_REFUSED, INTERRUPTED
 */
export async function checkSigned({ channel, recipe }: Job, { world, signal }: Promoting): Promise<void> {
  if (!channel || !recipe || channel.key !== undefined) return;
  for (const { name, spec, open } of placesWithChannels(recipe.upload)) {
    const states = await open(spec, contextOf({ world, signal }))
      .then((place) => place.channels())
      .catch(() => []);
    signal.throwIfAborted();
    const now = states.find((state) => state.channel === channel.name)?.image;
    if (now?.signedBy === undefined) continue;
    throw new VmkilnError(
      'CHANNEL_REFUSED',
      `the images of ${channel.name} in ${name} are signed, and no key is given`,
      {
        hint: 'say whose signature is asked for: channel: { name: …, key: FILE } in the factory, or VMKILN_PROMOTE_KEY',
      },
    );
  }
}

/**
 * Promotes what a build has published, wherever there are channels. A place that fails does not stop the others.
 *
 * @param before what this factory has promoted to the channel last.
 * @throws nothing: the first failure is told with what was done.
 */
export async function promotePublished(
  { channel, recipe }: Job,
  {
    build,
    published,
    statements: told,
    before = [],
  }: { build: string; published: readonly Sent[]; statements?: string | undefined; before?: readonly Sent[] },
  promoting: Promoting,
): Promise<{ promoted: Promoted[]; error?: unknown }> {
  if (!channel || !recipe) return { promoted: [] };
  const promoted: Promoted[] = [];
  const failures: { name: string; error: unknown }[] = [];
  for (const { index, name, spec, open } of placesWithChannels(recipe.upload)) {
    const image = published[index];
    if (image === undefined) continue;
    try {
      const key = await readPublicKey(channel.key, promoting.world.cwd);
      const place = await open(spec, contextOf(promoting));
      const { builds } = promoting.paths;
      const settled = await settledAt(place, channel.name, { ...image, build, before });
      if (settled) {
        promoted.push({ channel: channel.name, place: name, ...settled });
        continue;
      }
      const { end, channel: state } = await promote(place, image.location, {
        ...{ channel: channel.name, allowUnbooted: channel.allowUnbooted, sha256: image.sha256, key },
        // An image that was there before may be of a build whose folder is gone: this one says the same of it.
        statements: async (found) =>
          told ?? (await statementsOfBuild(build, builds)) ?? (await statementsOfBuild(found.build, builds)),
      });
      const location = state.image?.location;
      promoted.push({
        ...{ channel: channel.name, place: name, end, generation: state.generation },
        ...(location !== undefined && { location }),
      });
    } catch (error) {
      failures.push({ name, error });
    }
  }
  const [first, ...others] = failures;
  if (first === undefined) return { promoted };
  return { promoted, error: others.length === 0 ? first.error : together(failures, first.error) };
}

/** Why there is nothing to promote any more: people have promoted a later image meanwhile, or left or revoked this one, and that stays. */
async function settledAt(
  place: ChannelPlace,
  channel: string,
  { location, sha256, build, before }: Sent & { build: string; before: readonly Sent[] },
): Promise<Pick<Promoted, 'end' | 'generation' | 'location'> | undefined> {
  const state = (await place.channels()).find((each) => each.channel === channel);
  const { generation = 0, image } = state ?? {};
  const now = { generation, ...(image && { location: image.location }) };
  if (image?.sha256 === sha256) return undefined;
  if (image && image.serial > serialOfBuild(build)) return { end: 'overtaken', ...now };
  // What cannot be found is for the promotion to tell.
  const found = await place.find(location).catch(() => undefined);
  if (found?.revoked && found.sha256 === sha256) return { end: 'revoked', ...now };
  // A build may well make the same bytes again.
  const wasIn = before.some((each) => each.location === location && each.sha256 === sha256);
  return state && wasIn ? { end: 'left', ...now } : undefined;
}

function contextOf({ world, signal }: Pick<Promoting, 'world' | 'signal'>) {
  return { ...world, signal, progress: () => undefined };
}

function together(failures: readonly { name: string; error: unknown }[], first: unknown): unknown {
  if (!(first instanceof VmkilnError)) return first;
  const all = failures.map(({ name, error }) => `${name}: ${messageOf(error)}`);
  return new VmkilnError(first.code, all.join('\n'), {
    ...(first.hint !== undefined && { hint: first.hint }),
    cause: first,
  });
}
