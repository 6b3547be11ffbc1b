import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { distributionOf } from '../families/rhel/distributions.ts';
import type { RhelRecipe } from '../families/rhel/recipe.ts';
import { rhelRelease } from '../families/rhel/releases.ts';
import { hashFile } from '../media/hash.ts';
import type { MediaFile } from '../model.ts';
import { buildRecipe } from '../pipeline/build-recipe.ts';
import { openPool } from '../pipeline/pool.ts';
import type { MediaSource } from '../pipeline/prepare.ts';
import { practiceLog } from './log.ts';
import { practiceDigests } from './practice-dvd.ts';

const recipes = fileURLToPath(new URL('../../src/rehearsal/rhel/', import.meta.url));

/** How the stand-in is made: RHEL 7 stands for all of RHEL, which only a subscription has packages for. */
function making({ distribution, release }: RhelRecipe) {
  const { subscribes, title } = distributionOf({ distribution });
  if (subscribes) return { name: 'kvm-guest', like: '7', title: `${title} 7`, dress: undefined, set: [] };
  return {
    name: 'cloud-guest',
    like: `${rhelRelease({ distribution, release }).major}`,
    title: `${title} ${release}`,
    dress: { distribution, release },
    set: [`distribution=${distribution}`, `release=${release}`],
  };
}

/**
 * The practice stand-in of a vendor's ready KVM guest image: a guest that is installed from the practice DVD, once. It is
 * cached under the digest of that DVD, and its own digest is that of its content, as with a vendor's image.
 *
 * @throws VmkilnError of the build that makes it.
 */
export async function practiceImage(
  wanted: RhelRecipe,
  options: Parameters<MediaSource>[1],
  dvd: MediaSource,
): Promise<MediaFile> {
  const { paths, signal, progress, download, world } = options;
  const { name, like, title, dress, set } = making(wanted);
  const recipe = join(recipes, `${name}.yaml`);
  const folder = join(paths.cache, 'practice', `${name}-${(await practiceDigests(like, dress)).dvd.slice(0, 12)}`);
  const path = join(folder, `practice-${name}-rehearsal.qcow2`);
  const source = `practice KVM guest image of ${title}`;
  if (!existsSync(path)) {
    if (!download) return { source, path, sha256: undefined, size: undefined };
    progress('practice image: installing a guest that stands in for the vendor’s image (a few minutes, once)');
    // What a build that was killed may have left is not whole.
    await rm(folder, { recursive: true, force: true });
    await buildRecipe(
      {
        recipe,
        set: [`out=${folder}`, ...set],
        cache: true,
        keepOnFailure: false,
        rehearsal: { media: dvd, log: practiceLog },
      },
      {
        signal,
        pool: openPool(paths.work),
        world,
        emit: (event) => {
          if (event.type === 'progress') progress(`practice image: ${event.message}`, event.fraction);
        },
      },
    );
  }
  const { sha256, size } = await hashFile(path, { mediaDir: paths.media, signal, progress });
  return { source, path, sha256, size };
}
