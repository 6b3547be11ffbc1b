import { readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { promote as promoteImage } from '../channels/promote.ts';
import { inBuild } from '../describe/names.ts';
import { messageOf, VmkilnError } from '../errors.ts';
import { openPaths } from '../pipeline/request.ts';
import { checkChannel } from '../targets/channel.ts';
import type { Candidate } from '../targets/channel-place.ts';
import type { CommandContext } from '../ui/ui.ts';
import { openChannels, type PlaceOptions } from './channel-place.ts';
import { changeText } from './channels.ts';
import { print } from './image-find.ts';
import { readPublicKey } from './public-key.ts';

type PromoteOptions = PlaceOptions & {
  to: string;
  key?: string;
  statements?: string;
  older?: boolean;
  allowRehearsal?: boolean;
};

/** `vmkiln promote`: makes an image that passed the boot gate the image of a channel. */
export async function promote(image: string, options: PromoteOptions, context: CommandContext): Promise<void> {
  const { say, world } = context;
  const { to: channel, json, older = false, allowRehearsal = false } = options;
  checkChannel(channel);
  const key = await readPublicKey(options.key ?? (world.env['VMKILN_PROMOTE_KEY'] || undefined), world.cwd);
  const given =
    options.statements === undefined ? undefined : await readStatements(resolve(world.cwd, options.statements));
  const place = await openChannels(options, context, image);
  const statements = async (candidate: Candidate) => given ?? (await statementsOfBuild(candidate, context));
  const promoting = { channel, older, allowRehearsal, key, statements };
  const { end, channel: state, image: found } = await promoteImage(place, image, promoting);
  if (!key) say('no --key was given: whoever could change the image could change what is said of it');
  if (end === 'overtaken') say(`${found.name} was promoted, and somebody else changed ${channel} after that`);
  print(json, { end, ...state }, () => changeText(state, end));
}

/** What the build that made an image has kept of it on this host. */
async function statementsOfBuild({ build }: Candidate, { world }: CommandContext): Promise<string | undefined> {
  if (build === '' || build !== basename(build)) return undefined;
  const { builds } = await openPaths(world);
  return readFile(join(builds, build, inBuild.statements), 'utf8').catch(() => undefined);
}

async function readStatements(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((cause: unknown) => {
    throw new VmkilnError('USAGE', `the statements ${path} cannot be read: ${messageOf(cause)}`, {
      hint: 'give the path of IMAGE.intoto.jsonl, which lies beside an image in a folder and in the folder of its build',
      cause,
    });
  });
}
