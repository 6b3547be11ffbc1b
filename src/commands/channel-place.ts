import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { channelsAt, defaultFolder } from '../channels/place.ts';
import { VmkilnError } from '../errors.ts';
import { isFolder } from '../recipe/media.ts';
import { plannedTargets } from '../targets/index.ts';
import type { ChannelPlace } from '../targets/channel-place.ts';
import type { CommandContext } from '../ui/ui.ts';
import { progressLines } from './progress-lines.ts';
import { targetsOf } from './upload-targets.ts';

/** Options of the commands about channels that say where these are. */
export type PlaceOptions = {
  in?: string;
  osCloud?: string;
  project?: string;
  projectDomain?: string;
  json?: boolean;
};

/**
 * The place whose channels are meant: what `--in` or `--os-cloud` name, as `vmkiln upload` does; else the folder that an image lies in, or
 * `./images`, where builds publish to unless their recipe says otherwise.
 *
 * @throws VmkilnError USAGE
 */
export async function openChannels(
  { in: place, osCloud, project, projectDomain }: PlaceOptions,
  context: CommandContext,
  image?: string,
): Promise<ChannelPlace> {
  const { world, signal } = context;
  if (place !== undefined && osCloud !== undefined)
    throw new VmkilnError('USAGE', '--in and --os-cloud are one and the same', { hint: 'give one of them' });
  const to = osCloud === undefined ? [place ?? defaultFolder(image, world.cwd)] : undefined;
  const entries = targetsOf(undefined, {
    ...(to && { to }),
    ...(osCloud !== undefined && { osCloud }),
    ...(project !== undefined && { project }),
    ...(projectDomain !== undefined && { projectDomain }),
  });
  try {
    return await channelsAt(plannedTargets(entries), { ...world, signal, progress: progressLines(context) });
  } catch (error) {
    const isUsage = error instanceof VmkilnError && error.code === 'USAGE';
    if (!isUsage || place === undefined || isFolder(place) || !existsSync(resolve(world.cwd, place))) throw error;
    throw new VmkilnError('USAGE', error.message, {
      hint: [`for the folder write --in ${place}/`, error.hint].filter((part) => part !== undefined).join('; '),
      cause: error,
    });
  }
}
