import { basename } from 'node:path';
import { revoke as revokeImage } from '../channels/promote.ts';
import { checkChannel, type End } from '../targets/channel.ts';
import type { Candidate, ChannelImage, ChannelState } from '../targets/channel-place.ts';
import { table } from '../ui/table.ts';
import type { CommandContext } from '../ui/ui.ts';
import { openChannels, type PlaceOptions } from './channel-place.ts';
import { print } from './image-find.ts';

/** `vmkiln channels`: lists the channels of a place, or tells the image of one. */
export async function channels(
  { resolve: channel, ...options }: PlaceOptions & { resolve?: string },
  context: CommandContext,
): Promise<void> {
  if (channel !== undefined) checkChannel(channel);
  const place = await openChannels(options, context);
  if (channel !== undefined) {
    const image = await place.resolve(channel);
    return print(options.json, image, () => `${image.location}\n`);
  }
  const all = await place.channels();
  if (all.length === 0) context.say(`no image of ${place.name} was promoted yet: vmkiln promote IMAGE --to CHANNEL`);
  print(options.json, all, () => overview(all));
}

/** `vmkiln rollback`: goes back to the image that a channel had before. */
export async function rollback(channel: string, options: PlaceOptions, context: CommandContext): Promise<void> {
  checkChannel(channel);
  const place = await openChannels(options, context);
  const { end, channel: state } = await place.rollback(channel);
  if (end === 'overtaken') context.say(`somebody else changed ${channel} at the same moment`);
  print(options.json, { end, ...state }, () => changeText(state, end));
}

/** `vmkiln revoke`: an image, and every one that was built on it, leaves all channels for good. */
export async function revoke(image: string, options: PlaceOptions, context: CommandContext): Promise<void> {
  const place = await openChannels(options, context, image);
  const { revoked, unknown, channels: changed } = await revokeImage(place, image);
  if (unknown.length > 0) {
    const names = unknown.map(({ id }) => id).join(', ');
    context.say(`nothing says what these were built on, and they stay: ${names}`);
  }
  const short = ({ id, name, sha256, build }: Candidate) => ({ id, name, sha256, build });
  const told = { revoked: revoked.map(short), unknown: unknown.map(short), channels: changed };
  print(options.json, told, () =>
    [...revoked.map(({ id }) => `revoked ${id}\n`), ...changed.map((state) => changeText(state, 'reached'))].join(''),
  );
  const empty = changed.filter((state) => state.image === null).map((state) => state.channel);
  if (empty.length > 0) context.say(`no image is left in ${empty.join(', ')}: promote another one`);
}

/** A channel after a change, in a line. */
export function changeText({ channel, generation, image }: ChannelState, end: End): string {
  const what = image ? titleOf(image) : 'no image';
  return `${channel}: ${what}, generation ${generation}${end === 'unchanged' ? ' (already there)' : ''}\n`;
}

function titleOf({ location, name }: ChannelImage): string {
  return location.includes('/') ? basename(location) : `${name} ${location}`;
}

function overview(all: readonly ChannelState[]): string {
  const rows = all.map(({ channel, generation, image, earlier }) => [
    channel,
    String(generation),
    image ? titleOf(image) : '-',
    image?.build || '-',
    image?.since ?? '-',
    image?.signedBy?.slice(0, 16) ?? '-',
    String(earlier.length),
  ]);
  return table(['CHANNEL', 'GENERATION', 'IMAGE', 'BUILD', 'SINCE', 'SIGNED BY', 'EARLIER'], rows);
}
