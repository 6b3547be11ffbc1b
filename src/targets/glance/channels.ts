import { ServiceError } from '../../openstack/http.ts';
import { findImage, type Image, type ImageQuery, listImages, patchImage } from '../../openstack/image-api.ts';
import type { CloudSession } from '../../openstack/keystone.ts';
import { withLock } from '../../store/lock.ts';
import {
  currentOf,
  earlierOf,
  type End,
  generationOf,
  type Goal,
  nextStep,
  refusedChange,
  type Step,
} from '../channel.ts';
import { type ChannelImage, type ChannelPlace, type ChannelState, noImage, type Promotion } from '../channel-place.ts';
import type { Looking } from '../target.ts';
import { candidateOf, findCandidate } from './candidate.ts';
import {
  channelsOf,
  dropPatches,
  isInChannel,
  isRevoked,
  leavePatches,
  raisePatches,
  revokePatches,
  shownProperty,
  shownValue,
  signerOf,
  sinceOf,
  unhidePatch,
} from './channel-marks.ts';
import { isSnapshot, serialOf } from './fence.ts';
import { heldOf } from './held.ts';
import { openPlace } from './open.ts';
import type { GlancePlace } from './recipe.ts';
import { isMadeHere, sha256Property } from './record.ts';
import { wait } from '../../wait.ts';

/** How often a step is decided anew that the cloud did not take, because somebody else was quicker. */
const patience = 8;
/** Milliseconds until then, more each time. */
const pause = 100;

type Context = Looking & { progress: (message: string) => void };

/** The channels of a project in a cloud. @throws VmkilnError USAGE when the cloud is not known */
export async function cloudChannels(given: GlancePlace, context: Context): Promise<ChannelPlace> {
  return (await openCloudChannels(given, context)).channels;
}

/** The same, with the session that they are reached by. */
export async function openCloudChannels(
  given: Pick<GlancePlace, 'cloud' | 'owner' | 'ownerDomain'>,
  context: Context,
): Promise<{ session: CloudSession; channels: ChannelPlace }> {
  const { session, spec } = await openPlace(given, context);
  const project = spec.owner ?? (await session.project(context.signal));
  return { session, channels: channelsIn(session, project, context) };
}

/** The same with a session that is open. `project` is the id of the one that owns the images. */
export function channelsIn(session: CloudSession, project: string, context: Context): ChannelPlace {
  const { signal } = context;
  const { cloud } = session;
  const images = (query: ImageQuery = []) => imagesOf(session, project, query, signal);
  const alone = <T>(body: () => Promise<T>) => {
    const key = `glance channels ${cloud.auth?.['auth_url']} ${cloud.region} ${project}`;
    const waiting = () => context.progress(`waiting for another change of channels in ${cloud.name}`);
    return withLock('/', key, { signal, waiting }, body);
  };
  const reached = async (channel: string, goal: Goal, promotion?: Promotion) => {
    const { end, seen } = await reach(session, channel, goal, promotion, images, signal);
    return { end, channel: stateOf(channel, seen) };
  };
  return {
    name: cloud.name,
    find: async (wanted) => {
      const image = idIn(wanted) ?? wanted;
      return findCandidate(await images(), image, cloud.name);
    },
    all: async () => (await images()).filter((each) => isMadeHere(each)).map(candidateOf),
    promote: ({ id, name }, promotion) =>
      alone(async () => {
        const revoked = new Set((await images()).filter(isRevoked).map((each) => each[sha256Property]));
        const base = promotion.media.find((each) => revoked.has(each));
        if (base !== undefined) {
          throw refusedChange({
            message: `${name} was built on ${base}, which is revoked`,
            hint: 'a revocation is for good: build another one, on a good base',
          });
        }
        const { channel, older, signedBy } = promotion;
        return reached(channel, { do: 'promote', id, older, signedBy }, promotion);
      }),
    rollback: (channel) =>
      alone(async () => {
        const held = (await images()).map((each) => heldOf(each, channel));
        const now = currentOf(held);
        if (now === undefined) throw noImage(channel, cloud.name, generationOf(held) > 0);
        return reached(channel, { do: 'roll back', from: { id: now.id, generation: now.generation } });
      }),
    revoke: (candidates) =>
      alone(async () => {
        const ids = new Set(candidates.map(({ id }) => id));
        const seen = await images();
        const ours = seen.filter((each) => ids.has(each.id));
        const channels = [...new Set(ours.flatMap(channelsOf))];
        // Before it is revoked, so that nobody finds none in between; and after it, for whoever promoted it meanwhile.
        for (const channel of channels) await reached(channel, { do: 'avoid', ids });
        const at = new Date().toISOString();
        for (const { id } of ours) await mark(session, id, at, signal);
        const after: ChannelState[] = [];
        for (const channel of channels) after.push((await reached(channel, { do: 'avoid', ids })).channel);
        return after;
      }),
    channels: async () => {
      const seen = await images();
      const names = [...new Set(seen.flatMap(channelsOf))].toSorted();
      return names.map((name) => stateOf(name, seen));
    },
    resolve: async (channel) => {
      // A list is one query, and one of the answers has the image; only other tools may hide it between the two.
      for (let attempt = 1; attempt <= 3; attempt++) {
        const image = currentImage(channel, await images([[shownProperty(channel), shownValue]]));
        if (image) return image;
      }
      // Or two changed the channel at once, and it is the next one.
      const seen = await images();
      const image = currentImage(channel, seen);
      if (image) return image;
      throw noImage(channel, cloud.name, generationOf(seen.map((each) => heldOf(each, channel))) > 0);
    },
  };
}

/** Goes step by step, each decided by another look at the cloud. */
async function reach(
  session: CloudSession,
  channel: string,
  goal: Goal,
  promotion: Promotion | undefined,
  images: () => Promise<Image[]>,
  signal: AbortSignal,
): Promise<{ end: End; seen: Image[] }> {
  let raised: Extract<Step, { do: 'raise' }> | undefined;
  for (let rounds = 0; ;) {
    const seen = await images();
    const held = seen.filter((each) => isMadeHere(each)).map((each) => heldOf(each, channel));
    const next = nextStep(channel, goal, held, raised);
    if ('refused' in next) throw refusedChange(next.refused);
    if ('end' in next) return { end: next.end, seen };
    const { step } = next;
    const image = seen.find(({ id }) => id === step.id);
    if (image === undefined) throw new Error('a step for an image that is not there');
    try {
      await perform(session, channel, step, image, promotion, signal);
      if (step.do === 'raise') raised = step;
    } catch (error) {
      rounds += 1;
      if (!(error instanceof ServiceError) || ![404, 409].includes(error.status) || rounds > patience) throw error;
      await wait(pause * (rounds - 1), 'changing a channel', signal);
    }
  }
}

async function perform(
  session: CloudSession,
  channel: string,
  step: Step,
  image: Image,
  promotion: Promotion | undefined,
  signal: AbortSignal,
): Promise<void> {
  const patch = (patches: Parameters<typeof patchImage>[2]) => patchImage(session, image.id, patches, { signal });
  switch (step.do) {
    case 'raise':
      await patch(raisePatches(image, channel, step.generation, { ...promotion, at: new Date().toISOString() }));
      return;
    case 'leave':
      await patch(leavePatches(image, channel));
      return;
    case 'drop': {
      const after = await patch(dropPatches(image, channel));
      // Another channel has got it since it was looked at.
      if (after.os_hidden && isInChannel(after)) await patch([unhidePatch]);
    }
  }
}

/** Revokes an image, whatever else happens to it at the same time. */
async function mark(session: CloudSession, id: string, at: string, signal: AbortSignal): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const image = await findImage(session, id, { signal });
    if (image === undefined || isRevoked(image)) return;
    try {
      await patchImage(session, id, revokePatches(image, at), { signal });
      return;
    } catch (error) {
      if (!(error instanceof ServiceError) || error.status !== 409 || attempt > patience) throw error;
    }
  }
}

/** The images of a project, hidden ones too. A snapshot of an instance has the properties of its image, and is none. */
async function imagesOf(
  session: CloudSession,
  project: string,
  query: ImageQuery,
  signal: AbortSignal,
): Promise<Image[]> {
  const own = await session.project(signal);
  // Those that another project shares with everybody are listed only when asked for.
  const kinds: ImageQuery[] = project === own ? [[]] : [[], [['visibility', 'community']]];
  const found = new Map<string, Image>();
  // The service lists either. Whichever way an image goes meanwhile, it is in one of the lists.
  for (const hidden of ['true', 'false', 'true']) {
    for (const kind of kinds) {
      const all = [...query, ['owner', project], ['os_hidden', hidden], ...kind] as const;
      for (const image of await listImages(session, all, { signal })) {
        if (image.owner === project && !isSnapshot(image)) found.set(image.id, image);
      }
    }
  }
  return [...found.values()];
}

function currentImage(channel: string, images: readonly Image[]): ChannelImage | undefined {
  const now = currentOf(images.map((each) => heldOf(each, channel)));
  const image = images.find(({ id }) => id === now?.id);
  return image && imageOf(channel, image);
}

/** The id in what a publication says where an image is. */
function idIn(location: string): string | undefined {
  return /^https?:\/\/.*\/v2\/images\/([0-9a-f-]{36})$/.exec(location)?.[1];
}

function stateOf(channel: string, images: readonly Image[]): ChannelState {
  const held = images.map((each) => heldOf(each, channel));
  const earlier = earlierOf(held).flatMap(({ id }) => images.filter((each) => each.id === id));
  return {
    channel,
    generation: generationOf(held),
    image: currentImage(channel, images) ?? null,
    earlier: earlier.map((each) => imageOf(channel, each)),
  };
}

function imageOf(channel: string, image: Image): ChannelImage {
  const { id, name, disk_format: format } = image;
  const signedBy = signerOf(image);
  return {
    location: id,
    name: name ?? id,
    format: format ?? '',
    sha256: String(image[sha256Property]),
    serial: serialOf(image),
    build: String(image['vmkiln_build'] ?? ''),
    generation: heldOf(image, channel).generation ?? 0,
    since: sinceOf(image, channel),
    ...(signedBy !== undefined && { signedBy }),
  };
}
