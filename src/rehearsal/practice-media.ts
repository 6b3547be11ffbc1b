import { VmkilnError } from '../errors.ts';
import { distributionOf } from '../families/rhel/distributions.ts';
import type { RhelRecipe } from '../families/rhel/recipe.ts';
import { rhelRelease } from '../families/rhel/releases.ts';
import type { MediaSource, Rehearsal } from '../pipeline/prepare.ts';
import { readyImage } from '../recipe/media.ts';
import { withLock } from '../store/lock.ts';
import { exec } from '../tools/exec.ts';
import { practiceLog } from './log.ts';
import { practiceDebian } from './practice-debian.ts';
import { practiceDvd, type Run } from './practice-dvd.ts';
import { practiceWindows } from './practice-windows.ts';
import { practiceImage } from './practice-image.ts';

/**
 * The media of a rehearsal: the recipe's own sources and checksums are set aside, and stand-ins of the same release
 * take their place. Their digests keep the checkpoints of rehearsals apart from real ones.
 */
const practiceMedia: MediaSource = (recipe, options) => {
  const source = sources[recipe.family];
  if (source) return source(recipe, options);
  throw new VmkilnError('MEDIA_MISSING', `there are no practice media for the family ${recipe.family}`, {
    hint: 'build it from real media',
  });
};

/** How any recipe is rehearsed. */
export const practice: Rehearsal = { media: practiceMedia, log: practiceLog };

/** A DVD's digest is known before the DVD is made. */
const rhelDvd: MediaSource = async (recipe, { paths, work, signal, progress, download, env, world }) => {
  const { distribution, release } = recipe as RhelRecipe;
  const { subscribes, title } = distributionOf({ distribution });
  const dress = subscribes ? undefined : { distribution, release };
  const like = dress ? `${rhelRelease({ distribution, release }).major}` : release;
  const run: Run = (command) => exec({ ...command, env: { ...env, ...command.env }, signal });
  const waiting = () => progress('waiting for another build that makes the practice DVD');
  const options = { dress, cacheDir: paths.cache, workDir: work, run, world, make: download, progress, signal };
  const lock = dress ? `practice ${distribution} ${release}` : `practice ${release}`;
  const { path, digest } = await withLock(paths.cache, lock, { signal, waiting }, () => practiceDvd(like, options));
  return { iso: { source: `practice ${title} ${release}`, path, sha256: digest, size: undefined } };
};

const rhelImage: MediaSource = async (recipe, options) => {
  const { paths, signal, progress } = options;
  const waiting = () => progress('waiting for another build that makes the practice image');
  const image = await withLock(paths.cache, 'practice image', { signal, waiting }, () =>
    practiceImage(recipe as RhelRecipe, options, rhelDvd),
  );
  return { [readyImage]: image };
};

const sources: Readonly<Record<string, MediaSource>> = {
  rhel: (recipe, options) => (recipe.source[readyImage] ? rhelImage : rhelDvd)(recipe, options),
  debian: practiceDebian,
  windows: practiceWindows,
};
