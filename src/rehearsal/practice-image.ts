import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hashFile } from '../media/hash.ts';
import type { MediaFile } from '../model.ts';
import { buildRecipe } from '../pipeline/build-recipe.ts';
import { openPool } from '../pipeline/pool.ts';
import type { MediaSource } from '../pipeline/prepare.ts';
import { practiceLog } from './log.ts';
import { practiceDigests } from './practice-dvd.ts';

const recipe = fileURLToPath(new URL('../../src/rehearsal/rhel/kvm-guest.yaml', import.meta.url));

/**
 * The practice stand-in of a vendor's ready KVM guest image: a guest that is installed from the practice DVD, once. It is
 * cached under the digest of that DVD, and its own digest is that of its content, as with a vendor's image.
 *
 * @throws VmkilnError of the build that makes it.
 */
export async function practiceImage(options: Parameters<MediaSource>[1], dvd: MediaSource): Promise<MediaFile> {
  const { paths, signal, progress, download, world } = options;
  const folder = join(paths.cache, 'practice', `kvm-guest-${(await practiceDigests('7')).dvd.slice(0, 12)}`);
  const path = join(folder, 'practice-kvm-guest-rehearsal.qcow2');
  const source = 'practice KVM guest image of RHEL 7';
  if (!existsSync(path)) {
    if (!download) return { source, path, sha256: undefined, size: undefined };
    progress('practice image: installing a guest that stands in for the vendor’s image (a few minutes, once)');
    // What a build that was killed may have left is not whole.
    await rm(folder, { recursive: true, force: true });
    await buildRecipe(
      {
        recipe,
        set: [`out=${folder}`],
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
