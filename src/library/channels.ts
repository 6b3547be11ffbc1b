import { resolve } from 'node:path';
import type { Revoked } from '../channels/promote.ts';
import type { ChannelImage, ChannelPlace, ChannelState, Outcome } from '../targets/channel-place.ts';
import { contextOf, type Options } from './options.ts';

/** Where channels are, and who is told what is going on. */
type Placed = Options & {
  /** A folder (`./DIR`, `DIR/`) or a cloud, CLOUD or CLOUD/REGION; by default the folder of the image, or `./images`. */
  in?: string;
  /** The project that owns the images of a cloud, and its domain; by default that of the login. */
  project?: string;
  projectDomain?: string;
  onProgress?: (message: string) => void;
};

/** A channel after a change, and what that came to: `overtaken` by somebody else, or `unchanged`, since it was so before. */
export type Changed = ChannelState & Pick<Outcome, 'end'>;

/**
 * Makes an image that passed the boot gate the image of a channel.
 *
 * @param image path of a file, or the name or id of an image there.
 * @throws VmkilnError USAGE, PROVENANCE_INVALID, SIGNATURE_INVALID, CHANNEL_REFUSED, TARGET_FAILED, INTERRUPTED
 */
export async function promote(
  image: string,
  options: Placed & {
    /** The channel, which its first promotion makes. */
    to: string;
    /** Path of the public key (PEM) of whoever has to have signed the verdict; by default VMKILN_PROMOTE_KEY of the environment. */
    key?: string;
    /** Path of the statements, if they are neither beside the image nor in the folder of its build. */
    statements?: string;
    /** Whether it may be older than the image of the channel, the result of a rehearsal, or one that nobody booted, such as one of Windows. */
    older?: boolean;
    allowRehearsal?: boolean;
    allowUnbooted?: boolean;
  },
): Promise<Changed> {
  const [{ promote: promoteImage, readStatements, statementsOfBuild }, { readPublicKey }, { openPaths }] =
    await Promise.all([
      import('../channels/promote.ts'),
      import('../describe/public-key.ts'),
      import('../pipeline/request.ts'),
    ]);
  const { world } = contextOf(options);
  const { to: channel, key, statements, older = false, allowRehearsal = false, allowUnbooted = false } = options;
  const given = statements === undefined ? undefined : await readStatements(resolve(world.cwd, statements));
  const { builds } = await openPaths(world);
  const { end, channel: state } = await promoteImage(await placeOf(options, image), image, {
    ...{ channel, older, allowRehearsal, allowUnbooted },
    key: await readPublicKey(key ?? (world.env['VMKILN_PROMOTE_KEY'] || undefined), world.cwd),
    statements: async ({ build }) => given ?? (await statementsOfBuild(build, builds)),
  });
  return { end, ...state };
}

/** Goes back to the image that a channel had before. @throws VmkilnError USAGE, CHANNEL_REFUSED, TARGET_FAILED, INTERRUPTED */
export async function rollback(channel: string, options: Placed = {}): Promise<Changed> {
  const { checkChannel } = await import('../targets/channel.ts');
  checkChannel(channel);
  const { end, channel: state } = await (await placeOf(options)).rollback(channel);
  return { end, ...state };
}

/**
 * Has all channels leave an image, and every one that was built on it, for good.
 *
 * @returns these, those of which nothing says what they were built on, and the channels that had one.
 * @throws VmkilnError USAGE, TARGET_FAILED, INTERRUPTED
 */
export async function revoke(image: string, options: Placed = {}): Promise<Revoked> {
  const { revoke: revokeImage } = await import('../channels/promote.ts');
  return revokeImage(await placeOf(options, image), image);
}

/** The channels of a place. @throws VmkilnError USAGE, TARGET_FAILED, INTERRUPTED */
export async function channels(options: Placed = {}): Promise<ChannelState[]> {
  return (await placeOf(options)).channels();
}

/** The one image that a channel has at this moment. @throws VmkilnError USAGE, CHANNEL_REFUSED when it has none, TARGET_FAILED, INTERRUPTED */
export async function resolveChannel(channel: string, options: Placed = {}): Promise<ChannelImage> {
  const { checkChannel } = await import('../targets/channel.ts');
  checkChannel(channel);
  return (await placeOf(options)).resolve(channel);
}

async function placeOf(options: Placed, image?: string): Promise<ChannelPlace> {
  const [{ channelsAt, defaultFolder }, { targetsFrom }, { isFolder }] = await Promise.all([
    import('../channels/place.ts'),
    import('../targets/recipe.ts'),
    import('../recipe/media.ts'),
  ]);
  const { signal, world } = contextOf(options);
  const { in: place = defaultFolder(image, world.cwd), project: owner, projectDomain, onProgress } = options;
  const cloud = {
    cloud: place,
    ...(owner !== undefined && { owner }),
    ...(projectDomain !== undefined && { ownerDomain: projectDomain }),
  };
  const target = isFolder(place) ? { directory: { path: place } } : { glance: cloud };
  return channelsAt(targetsFrom([target], world.cwd), { ...world, signal, progress: onProgress ?? (() => undefined) });
}
