import type { MediaSource } from '../pipeline/prepare.ts';
import type { Recipe } from '../families/recipe.ts';
import { withLock } from '../store/lock.ts';
import { exec } from '../tools/exec.ts';
import { practiceDvd, type Run } from './practice-dvd.ts';
import { practiceWindows } from './practice-windows.ts';
import { practiceImage } from './practice-image.ts';

/**
 * The media of a rehearsal: the recipe's own sources and checksums are set aside, and stand-ins of the same release
 * take their place. Their digests keep the checkpoints of rehearsals apart from real ones.
 */
export const practiceMedia: MediaSource = (recipe, options) => sources[recipe.family](recipe, options);

/** A DVD's digest is known before the DVD is made. */
const rhelDvd: MediaSource = async (recipe, { paths, work, signal, progress, download, env }) => {
  const source = `practice RHEL ${recipe.release}`;
  const run: Run = (command) => exec({ ...command, env: { ...env, ...command.env }, signal });
  const waiting = () => progress('waiting for another build that makes the practice DVD');
  const { path, digest } = await withLock(paths.cache, `practice ${recipe.release}`, { signal, waiting }, () =>
    practiceDvd(recipe.release, { cacheDir: paths.cache, workDir: work, run, make: download, progress, signal }),
  );
  return { iso: { source, path, sha256: digest, size: undefined } };
};

const rhelImage: MediaSource = async (_recipe, options) => {
  const { paths, signal, progress } = options;
  const waiting = () => progress('waiting for another build that makes the practice image');
  const image = await withLock(paths.cache, 'practice image', { signal, waiting }, () =>
    practiceImage(options, rhelDvd),
  );
  return { image };
};

const sources: Record<Recipe['family'], MediaSource> = {
  rhel: (recipe, options) => ('image' in recipe.source && recipe.source.image ? rhelImage : rhelDvd)(recipe, options),
  windows: practiceWindows,
};
