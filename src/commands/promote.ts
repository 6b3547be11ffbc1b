import { resolve } from 'node:path';
import { promote as promoteImage, readStatements, statementsOfBuild } from '../channels/promote.ts';
import { readPublicKey } from '../describe/public-key.ts';
import { openPaths } from '../pipeline/request.ts';
import { checkChannel } from '../targets/channel.ts';
import type { CommandContext } from '../ui/ui.ts';
import { openChannels, type PlaceOptions } from './channel-place.ts';
import { changeText } from './channels.ts';
import { print } from './image-find.ts';

type PromoteOptions = PlaceOptions & {
  to: string;
  key?: string;
  statements?: string;
  older?: boolean;
  allowRehearsal?: boolean;
  allowUnbooted?: boolean;
};

/** `vmkiln promote`: makes an image that passed the boot gate the image of a channel. */
export async function promote(image: string, options: PromoteOptions, context: CommandContext): Promise<void> {
  const { say, world } = context;
  const { to: channel, json, older = false, allowRehearsal = false, allowUnbooted = false } = options;
  checkChannel(channel);
  const key = await readPublicKey(options.key ?? (world.env['VMKILN_PROMOTE_KEY'] || undefined), world.cwd);
  const given =
    options.statements === undefined ? undefined : await readStatements(resolve(world.cwd, options.statements));
  const place = await openChannels(options, context, image);
  const { builds } = await openPaths(world);
  const statements = async ({ build }: { build: string }) => given ?? (await statementsOfBuild(build, builds));
  const promoting = { channel, older, allowRehearsal, allowUnbooted, key, statements };
  const { end, channel: state, image: found } = await promoteImage(place, image, promoting);
  if (!key) say('no --key was given: whoever could change the image could change what is said of it');
  if (end === 'overtaken') say(`${found.name} was promoted, and somebody else changed ${channel} after that`);
  print(json, { end, ...state }, () => changeText(state, end));
}
