import { createHash } from 'node:crypto';
import { chmod, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Media } from '../model.ts';
import type { MediaSource } from '../pipeline/prepare.ts';
import { withLock } from '../store/lock.ts';
import { exec, type ExecOptions } from '../tools/exec.ts';
import { makeOnce } from './make-once.ts';
import { followMmdebstrap } from './mmdebstrap.ts';
import { contentDigest } from './practice-dvd.ts';

const assets = fileURLToPath(new URL('../../src/rehearsal/windows/', import.meta.url));
const suite = 'bookworm';

/** How much of the time the packages take, of 1; the rest is images of them, and ISOs. */
const packagesShare = 0.7;

/** The media of a release, by role, as media.sh names them. */
const files = { iso: 'windows.iso', virtioIso: 'virtio.iso', cloudbaseInitMsi: 'CloudbaseInitSetup.msi' };

/** What the payload does not hold: changing these makes new media of the same payload. */
const isOfMedia = (file: string) => /(media\.sh|grub\.cfg)$|setup\/(?!hive|wims|registry)[a-z]+\.py$/.test(file);

/**
 * The practice media of Windows: an ISO whose Setup reads answer files as the real one does, a virtio ISO with drivers
 * in name alone, and an installer of Cloudbase-Init that is none. Made once, and found by their content afterwards.
 *
 * @throws VmkilnError COMMAND_FAILED when they cannot be made.
 */
export const practiceWindows: MediaSource = (recipe, options) => {
  const { paths, signal, progress } = options;
  const waiting = () => progress('waiting for another build that makes the practice media');
  return withLock(paths.cache, 'practice windows', { signal, waiting }, () => makeMedia(recipe.release, options));
};

async function makeMedia(release: string, options: Parameters<MediaSource>[1]): Promise<Media> {
  const { paths, work, download, signal, progress, env, world } = options;
  const digests = await mediaDigests(release);
  const home = join(paths.cache, 'practice');
  const folder = join(home, `windows-${release}-${digests.media.slice(0, 12)}`);
  const media = Object.fromEntries(
    Object.entries(files).map(([role, file]) => {
      const sha256 = createHash('sha256').update(`${digests.media} ${role}`).digest('hex');
      return [
        role,
        { source: `practice Windows ${release}: ${file}`, path: join(folder, file), sha256, size: undefined },
      ];
    }),
  );
  if (!download) return media;
  const making = { workDir: work, world, signal };
  const run = (program: string, args: string[], timeout: number, more: Partial<ExecOptions> = {}) =>
    exec({ program: join(assets, program), args, timeout, signal, env, ...more });
  await makeOnce(folder, { ...making, what: `the practice media of Windows ${release}` }, async (made) => {
    const payload = join(home, `payload-windows-${digests.payload.slice(0, 12)}`);
    await makeOnce(payload, { ...making, what: 'the payload of practice Windows' }, async (content) => {
      progress('practice media: building the payload from Debian packages (some minutes, once)', 0);
      const { onLine, close } = followMmdebstrap((message, fraction) =>
        progress(`practice media: ${message}`, fraction * packagesShare),
      );
      await run('payload.sh', [content, suite], 1800, { onLine }).finally(close);
    });
    progress('practice media: writing the ISOs', 0.9);
    await run('media.sh', [release, await labelOf(release), payload, made], 600);
    // libvirt runs QEMU as another user.
    await chmod(made, 0o755);
    for (const file of Object.values(files)) await chmod(join(made, file), 0o644);
  });
  return media;
}

/** The digests under which payload and media are cached: of everything they are made from. */
async function mediaDigests(release: string): Promise<{ payload: string; media: string }> {
  const entries = await readdir(assets, { recursive: true, withFileTypes: true });
  const all = entries
    .filter((entry) => entry.isFile() && !entry.parentPath.includes('__pycache__'))
    .map((entry) => join(entry.parentPath, entry.name));
  const payload = await contentDigest(
    assets,
    all.filter((file) => !isOfMedia(file)),
    [suite],
  );
  return { payload, media: await contentDigest(assets, all.filter(isOfMedia), [payload, release]) };
}

async function labelOf(release: string): Promise<string> {
  const releases = JSON.parse(await readFile(join(assets, 'releases.json'), 'utf8')) as Record<
    string,
    { label: string }
  >;
  return releases[release]?.label ?? 'WINDOWS';
}
