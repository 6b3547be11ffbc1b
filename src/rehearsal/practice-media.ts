import { VmkilnError } from '../errors.ts';
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
  const source = `practice RHEL ${recipe.release}`;
  const run: Run = (command) => exec({ ...command, env: { ...env, ...command.env }, signal });
  const waiting = () => progress('waiting for another build that makes the practice DVD');
  const { path, digest } = await withLock(paths.cache, `practice ${recipe.release}`, { signal, waiting }, () =>
    practiceDvd(recipe.release, { cacheDir: paths.cache, workDir: work, run, world, make: download, progress, signal }),
  );
  return { iso: { source, path, sha256: digest, size: undefined } };
};

const rhelImage: MediaSource = async (_recipe, options) => {
  const { paths, signal, progress } = options;
  const waiting = () => progress('waiting for another build that makes the practice image');
  const image = await withLock(paths.cache, 'practice image', { signal, waiting }, () =>
    practiceImage(options, rhelDvd),
  );
  return { [readyImage]: image };
};

const sources: Readonly<Record<string, MediaSource>> = {
  rhel: (recipe, options) => (recipe.source[readyImage] ? rhelImage : rhelDvd)(recipe, options),
  debian: practiceDebian,
  windows: practiceWindows,
};
