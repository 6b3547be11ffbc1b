import { resolve } from 'node:path';
import { VmkilnError } from '../errors.ts';
import { familyOf } from '../families/index.ts';
import { readPublicKey } from '../describe/public-key.ts';
import type { World } from '../model.ts';
import { channelForm, channelSource } from '../recipe/media.ts';
import type { Recipe } from '../recipe/recipe.ts';
import { plannedTargets, targetCalled } from '../targets/index.ts';
import { type FactoryEntry, namePlaceholder } from './form.ts';
import type { Job } from './jobs.ts';
import type { LoadedFactory } from './load.ts';

/**
 * The channel that an entry's image is promoted to, the file (absolute path) with the key that must have signed its verdict, and whether one will do
 * that nobody booted.
 */
export type WantedChannel = { name: string; key?: string; allowUnbooted: boolean };

/** The channel of an entry whose image has this name. A key counts as for `vmkiln promote`. Pure. */
export function wantedChannel({ channel }: FactoryEntry, name: string, { env, cwd }: World): WantedChannel | undefined {
  if (!channel) return undefined;
  const key = channel.key ?? env['VMKILN_PROMOTE_KEY'];
  const { allowUnbooted } = channel;
  return {
    name: channel.name.replaceAll(namePlaceholder, name),
    allowUnbooted,
    ...(key && { key: resolve(cwd, key) }),
  };
}

/** The places of a recipe that have channels; `index` is that among all of its places. Pure. */
export function placesWithChannels(upload: Recipe['upload']) {
  return plannedTargets(upload).flatMap(({ target, name, spec }, index) => {
    const { channels, channelPlace } = targetCalled(target);
    return channels ? [{ index, name, spec, open: channels, calledBy: channelPlace }] : [];
  });
}

/** The channels that an entry promotes to, as the `source` of a recipe names one. Pure. */
export function channelsFed({ channel, recipe }: Job, world: World): string[] {
  if (!channel || !recipe) return [];
  return placesWithChannels(recipe.upload).flatMap(({ spec, calledBy }) => {
    const place = calledBy?.(spec, world);
    return place === undefined ? [] : [channelSource(channel.name, place)];
  });
}

/**
 * Refuses, before anything is built, images that could never be promoted.
 *
 * @throws VmkilnError FACTORY_INVALID with every problem, one per line
 */
export async function checkChannels(jobs: readonly Job[], tell: LoadedFactory['tell'], world: World): Promise<void> {
  const problems: string[] = [];
  const fed = new Map<string, string>();
  for (const job of jobs) {
    const problem = (await problemOf(job, world)) ?? takenOf(job, fed, world);
    if (problem !== undefined) problems.push(tell(job.entry, 'channel', problem));
    for (const each of channelsFed(job, world)) fed.set(each, job.name);
  }
  if (problems.length > 0) throw new VmkilnError('FACTORY_INVALID', [...new Set(problems)].join('\n'));
}

async function problemOf({ name, channel, recipe }: Job, { cwd }: World): Promise<string | undefined> {
  // One that cannot be read is the matter of its own entry.
  if (!channel || !recipe) return undefined;
  const none = 'or give its entry channel: false';
  if (!channelForm.test(channel.name)) {
    return `${name} would be promoted to ${channel.name}, which cannot be the name of a channel: say another one without {name}`;
  }
  if (placesWithChannels(recipe.upload).length === 0) {
    return `${name} is published to no place that has channels: upload it to a directory or glance, ${none}`;
  }
  if (recipe.verify === undefined) {
    return `${name} is not booted to be checked, and only what passed is promoted: take verify: false out of its recipe, ${none}`;
  }
  if (recipe.describe === undefined) {
    return `nothing would say that ${name} was checked: take describe: false out of its recipe, ${none}`;
  }
  if (!channel.allowUnbooted && familyOf(recipe).expects(recipe, []).system === 'windows') {
    return `${name} is looked into, and not booted, as every image of Windows: promote it all the same by { name: ${channel.name}, allowUnbooted: true }, ${none}`;
  }
  if (channel.key === undefined) return undefined;
  if (recipe.describe.signWith === undefined) {
    return `${channel.name} wants a signature, and the verdict on ${name} has none: add describe: { signWith: … } to its recipe`;
  }
  try {
    await readPublicKey(channel.key, cwd);
  } catch (error) {
    if (!(error instanceof VmkilnError)) throw error;
    return `${error.message}: ${error.hint ?? 'give the path of a public key in PEM'}`;
  }
  return undefined;
}

/** A channel stands for one image: two that take it in turns serve nobody. */
function takenOf(job: Job, fed: ReadonlyMap<string, string>, world: World): string | undefined {
  const other = channelsFed(job, world)
    .map((each) => fed.get(each))
    .find((name) => name !== undefined);
  if (other === undefined) return undefined;
  return `${other} and ${job.name} would be promoted to the same channel, ${job.channel?.name}: give each its own, such as {name}-prod`;
}
