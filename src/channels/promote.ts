import type { KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { inBuild } from '../describe/names.ts';
import { messageOf, VmkilnError } from '../errors.ts';
import { checkChannel } from '../targets/channel.ts';
import type { Candidate, ChannelPlace, ChannelState, Outcome } from '../targets/channel-place.ts';
import { approve, withDescendants } from './verdict.ts';

/** How an image is promoted. */
export type Promoting = {
  channel: string;
  /** The digest that it has to have, where somebody may have published another one under its name. */
  sha256?: string;
  /** Although the channel has a newer one. */
  older?: boolean;
  allowRehearsal?: boolean;
  /** Although nobody has booted it. */
  allowUnbooted?: boolean;
  /** Who must have signed the statements about it; undefined: nobody need have. */
  key?: KeyObject | undefined;
  /** The statements about an image that does not have them beside it. */
  statements: (candidate: Candidate) => Promise<string | undefined>;
};

/**
 * Makes an image that passed the boot gate the image of a channel.
 *
 * @param image what the place calls it: a file or a name in a folder, an id or a name in a cloud.
 * @throws VmkilnError USAGE, PROVENANCE_INVALID, CHANNEL_REFUSED, TARGET_FAILED
 */
export async function promote(
  place: ChannelPlace,
  image: string,
  { channel, sha256, older = false, allowRehearsal = false, allowUnbooted = false, key, statements }: Promoting,
): Promise<Outcome & { image: Candidate }> {
  checkChannel(channel);
  const candidate = await place.find(image);
  if (candidate.revoked) {
    throw new VmkilnError('CHANNEL_REFUSED', `${candidate.name} (${candidate.id}) is revoked`, {
      hint: 'a revocation is for good: build another one',
    });
  }
  if (candidate.rehearsal && !allowRehearsal) {
    throw new VmkilnError('USAGE', `${candidate.name} is the result of a rehearsal, made from practice media`, {
      hint: 'build the real one, or add --allow-rehearsal',
    });
  }
  if (sha256 !== undefined && candidate.sha256 !== sha256) {
    throw new VmkilnError('CHANNEL_REFUSED', `${image} is not the image any more that was to be promoted`, {
      hint: 'another one was published in its place: promote that by vmkiln promote, or build this one again',
    });
  }
  const said = candidate.statements ?? (await statements(candidate));
  const { media, signedBy } = approve(candidate, said, { key, allowUnbooted });
  return { image: candidate, ...(await place.promote(candidate, { channel, older, signedBy, media })) };
}

/** What a build of this host says of its image, as long as its folder is there. `builds` is the folder of all of them. */
export async function statementsOfBuild(build: string, builds: string): Promise<string | undefined> {
  if (build === '' || build !== basename(build)) return undefined;
  return readFile(join(builds, build, inBuild.statements), 'utf8').catch(() => undefined);
}

/** The statements in a file. @throws VmkilnError USAGE */
export async function readStatements(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((cause: unknown) => {
    throw new VmkilnError('USAGE', `the statements ${path} cannot be read: ${messageOf(cause)}`, {
      hint: 'give the path of IMAGE.intoto.jsonl, which lies beside an image in a folder and in the folder of its build',
      cause,
    });
  });
}

/** What a revocation did: the images that are revoked by it or were, those of which nothing says what they were built on, and the channels. */
export type Revoked = { revoked: Candidate[]; unknown: Candidate[]; channels: ChannelState[] };

/** Revokes an image and every one that was built on it, one that is promoted at the same moment too. @throws VmkilnError USAGE, TARGET_FAILED */
export async function revoke(place: ChannelPlace, image: string): Promise<Revoked> {
  // One that somebody has tampered with most of all.
  const candidate = await place.find(image, { damaged: true });
  let { found, unknown } = withDescendants(candidate, await place.all());
  for (;;) {
    const channels = await place.revoke(found);
    // From here on nothing is promoted that was built on one of these.
    const again = withDescendants(candidate, await place.all());
    if (again.found.every(({ sha256 }) => found.some((each) => each.sha256 === sha256))) {
      return { revoked: found, unknown, channels };
    }
    ({ found, unknown } = again);
  }
}
