import type { MediaSource } from '../pipeline/prepare.ts';
import { withLock } from '../store/lock.ts';
import { exec } from '../tools/exec.ts';
import { practiceDvd, type Run } from './practice-dvd.ts';

/**
 * The media of a rehearsal: the recipe's own sources and checksums are set aside, and a stand-in of the same release
 * takes their place. Its digest keeps the checkpoints of rehearsals apart from real ones, and is known before the
 * DVD is made.
 */
export const practiceMedia: MediaSource = async (recipe, { paths, work, signal, progress, download, env }) => {
  const source = `practice RHEL ${recipe.release}`;
  const run: Run = (command) => exec({ ...command, env: { ...env, ...command.env }, signal });
  const waiting = () => progress('waiting for another build that makes the practice DVD');
  const { path, digest } = await withLock(paths.cache, `practice ${recipe.release}`, { signal, waiting }, () =>
    practiceDvd(recipe.release, { cacheDir: paths.cache, workDir: work, run, make: download, progress, signal }),
  );
  return { iso: { source, path, sha256: digest, size: undefined } };
};
