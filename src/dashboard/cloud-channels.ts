import { readJobs } from '../factory/jobs.ts';
import { messageOf } from '../errors.ts';
import type { World } from '../model.ts';
import { plannedTargets, type PlannedTarget, targetCalled } from '../targets/index.ts';
import type { ChannelPlace } from '../targets/channel-place.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CloudAnswer } from './answers.ts';
import { channelsOf, type Sources } from './state.ts';

/** Milliseconds for which an answer of a cloud is good, and for which a look waits for one. */
const fresh = 60_000;
const patience = 4_000;

/** A cloud with channels, as it has answered last. */
type Cloud = {
  name: string;
  place: ChannelPlace | undefined;
  known: CloudAnswer | undefined;
  /** When it was last asked, in milliseconds since 1970. */
  at: number;
  asking: Promise<void> | undefined;
};

/** The channels of the clouds that the factory publishes to. */
export type Clouds = () => Promise<CloudAnswer[]>;

/**
 * Asks clouds for their channels: each once a minute at most, whoever looks, and with one login for all. One that does not answer in time is shown as
 * it was, or with what is wrong with it; it keeps nobody waiting.
 */
export function openClouds({ load, world, signal }: Sources): Clouds {
  const clouds = new Map<string, Cloud>();
  const ask = async (cloud: Cloud, { target, spec }: PlannedTarget) => {
    try {
      const context = { ...world, signal, progress: () => undefined };
      cloud.place ??= await targetCalled(target).channels?.(spec, context);
      cloud.known = { place: cloud.name, channels: cloud.place ? await channelsOf([cloud.place]) : [] };
    } catch (error) {
      // It logs in anew.
      cloud.place = undefined;
      cloud.known = { place: cloud.name, channels: cloud.known?.channels ?? [], problem: messageOf(error) };
    }
  };
  return async () => {
    if (!load) return [];
    const planned = cloudsOf(await readJobs(await load(), world), world);
    return Promise.all(
      [...planned].map(async ([key, target]) => {
        const none = { name: target.name, place: undefined, known: undefined, at: 0, asking: undefined };
        const cloud: Cloud = clouds.get(key) ?? none;
        clouds.set(key, cloud);
        if (cloud.asking === undefined && Date.now() - cloud.at > fresh) {
          cloud.at = Date.now();
          cloud.asking = ask(cloud, target).finally(() => (cloud.asking = undefined));
        }
        await Promise.race([cloud.asking, sleep(patience, undefined, { ref: false })]);
        return cloud.known ?? { place: cloud.name, channels: [], problem: `${cloud.name} has not answered yet` };
      }),
    );
  };
}

/** Places beyond this host with channels, each once. */
function cloudsOf(jobs: Awaited<ReturnType<typeof readJobs>>, world: World): Map<string, PlannedTarget> {
  const planned = jobs.flatMap(({ recipe }) => (recipe ? plannedTargets(recipe.upload) : []));
  return new Map(
    planned
      .filter(({ local, target }) => !local && targetCalled(target).channels)
      .map((each) => [targetCalled(each.target).channelPlace?.(each.spec, world) ?? JSON.stringify(each.spec), each]),
  );
}
