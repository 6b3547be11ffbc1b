import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { VmkilnError } from '../errors.ts';
import { probeAppliance } from '../host/probe.ts';
import { hashFile } from '../media/hash.ts';
import type { Media } from '../model.ts';
import type { MediaSource } from '../pipeline/prepare.ts';
import { readyImage } from '../recipe/media.ts';
import { withLock } from '../store/lock.ts';
import { exec } from '../tools/exec.ts';
import { environment } from '../tools/guestfs.ts';
import { makeOnce } from './make-once.ts';
import { followMmdebstrap } from './mmdebstrap.ts';
import { contentDigest } from './practice-dvd.ts';

const assets = fileURLToPath(new URL('../../src/rehearsal/debian/', import.meta.url));
const assetFiles = ['image.sh', 'image-hook.sh', 'image.packages'].map((name) => join(assets, name));

/** How much of the time the packages take, of 1; the rest is putting them on a disk. */
const packagesShare = 0.7;

/** The suites that a stand-in of a cloud image is made of, by the release. */
const suites: Readonly<Record<string, string>> = { 11: 'bullseye', 12: 'bookworm', 13: 'trixie' };

/**
 * A stand-in for a cloud image of Debian, made of Debian's own packages, once: unlike other practice media it is the real
 * system, and boots. Ubuntu has none.
 *
 * @throws VmkilnError MEDIA_MISSING for Ubuntu; COMMAND_FAILED when it cannot be made.
 */
export const practiceDebian: MediaSource = async (recipe, options) => {
  const { paths, signal, progress, download } = options;
  const suite = suites[recipe.release];
  if (suite === undefined) {
    throw new VmkilnError('MEDIA_MISSING', `there is no practice image for the release ${recipe.release}`, {
      hint: 'build it from its cloud image: vmkiln build RECIPE --set image=PATH',
    });
  }
  const digest = await contentDigest(assets, assetFiles, [suite]);
  const folder = join(paths.cache, 'practice', `debian-${recipe.release}-${digest.slice(0, 12)}`);
  const path = join(folder, 'cloud.qcow2');
  const source = `practice cloud image of Debian ${recipe.release}`;
  const waiting = () => progress('waiting for another build that makes the practice image');
  if (download) {
    await withLock(paths.cache, `practice debian ${suite}`, { signal, waiting }, () =>
      makeImage(folder, suite, options),
    );
  }
  const known = await hashFile(path, { mediaDir: paths.media, signal, progress }).catch((error: unknown) => {
    if (download || signal.aborted) throw error;
    return { sha256: undefined, size: undefined };
  });
  return { [readyImage]: { source, path, ...known } } satisfies Media;
};

async function makeImage(folder: string, suite: string, options: Parameters<MediaSource>[1]): Promise<void> {
  const { work, env, signal, progress, world } = options;
  await makeOnce(folder, { what: 'the practice image of Debian', workDir: work, world, signal }, async (made) => {
    progress('practice image: installing Debian packages (two to four minutes, once)', 0);
    const appliance = environment(await probeAppliance(world, signal, progress));
    const { onLine, close } = followMmdebstrap((message, fraction) =>
      progress(`practice image: ${message}`, fraction * packagesShare),
    );
    await exec({
      program: join(assets, 'image.sh'),
      args: [made, suite],
      timeout: 1800,
      signal,
      env: { ...env, ...appliance },
      onLine,
    }).finally(close);
    // libvirt runs QEMU as another user.
    await chmod(made, 0o755);
    await chmod(join(made, 'cloud.qcow2'), 0o644);
  });
}
