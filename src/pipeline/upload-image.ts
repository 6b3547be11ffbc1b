import { stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { messageOf, VmkilnError } from '../errors.ts';
import { findHash, hashFile, identityOf } from '../media/hash.ts';
import { printable } from '../images/text.ts';
import { redactUrl } from '../media/http.ts';
import type { Published, World } from '../model.ts';
import { readIndex } from '../targets/directory/index-file.ts';
import { diskFormats } from '../targets/glance/words.ts';
import type { PlannedTarget } from '../targets/index.ts';
import { publishAll } from '../targets/publish.ts';
import type { ImageToPublish, TargetContext } from '../targets/target.ts';
import { exec } from '../tools/exec.ts';
import { imageFormat } from '../tools/qemu-img.ts';
import { openPaths } from './request.ts';

/** Where an image is uploaded that no build is about to publish, and who is told of it. */
export type UploadContext = Pick<TargetContext, 'signal' | 'progress' | 'note'> & { world: World };

/** An image to upload. `learn` keeps its SHA-256 for the next time, when that was not known before it was sent. */
export type FoundImage = { found: ImageToPublish; learn?: (sha256: string) => Promise<void> };

/**
 * What lies at a URL is known to the cloud alone: it has no digest here. Name and format are those that the URL ends with.
 *
 * @throws VmkilnError USAGE when that is no name, or no format of the Image service: nobody could correct it afterwards.
 */
export function imageAt(address: string, options: { name?: string; diskFormat?: string }): FoundImage {
  if (!URL.canParse(address)) throw new VmkilnError('USAGE', `${address} is not a URL`, { hint: 'correct it' });
  const url = new URL(address);
  const file = lastPart(url);
  const suffix = extname(file).slice(1).toLowerCase();
  const name = options.name ?? basename(file, extname(file));
  const format = options.diskFormat ?? diskFormats.find((each) => each === suffix);
  if (name === '') {
    throw new VmkilnError('USAGE', `${redactUrl(url)} ends with no file name`, {
      hint: 'give the image a name: --name NAME',
    });
  }
  if (format === undefined) {
    const why = suffix === '' ? 'it has no suffix' : `.${suffix} is none`;
    throw new VmkilnError('USAGE', `the disk format of ${redactUrl(url)} is not known: ${why}`, {
      hint: `say it: --disk-format with one of ${diskFormats.join(', ')}`,
    });
  }
  const found = { path: '', name, format: format as ImageToPublish['format'], sha256: '', size: 0 };
  return { found: { ...found, build: '', rehearsal: false } };
}

/** The file name that a URL ends with. */
function lastPart({ pathname }: URL): string {
  const last = pathname.split('/').at(-1) ?? '';
  try {
    const decoded = decodeURIComponent(last);
    return printable(decoded) === decoded ? decoded : last;
  } catch {
    // A stray % is a character like any other.
    return last;
  }
}

/**
 * The image in a file. With `late` its digest may be left for later.
 *
 * @throws VmkilnError USAGE when there is no such file, or it is the result of a rehearsal; errors of qemu-img.
 */
export async function imageIn(
  path: string,
  { name: wanted, late, allowRehearsal }: { name: string | undefined; late: boolean; allowRehearsal: boolean },
  { signal, world, progress }: UploadContext,
): Promise<FoundImage> {
  const full = resolve(world.cwd, path);
  const stats = await stat(full, { bigint: true }).catch((cause: unknown) => {
    throw new VmkilnError('USAGE', `cannot read ${path}: ${messageOf(cause)}`, {
      hint: 'name an image file, or its URL',
      cause,
    });
  });
  if (!stats.isFile()) throw new VmkilnError('USAGE', `${path} is not a file`, { hint: 'name an image file' });
  const format = await imageFormat(full, signal);
  const looking = { mediaDir: (await openPaths(world)).media, signal, progress };
  const listed = await readIndex(dirname(full)).catch(() => []);
  const entry = listed.find(({ file }) => file === basename(full));
  const name = wanted ?? entry?.name ?? basename(full, extname(full));
  const rehearsal = entry?.rehearsal ?? /-rehearsal(\.|$)/.test(basename(full));
  if (rehearsal && !allowRehearsal) {
    throw new VmkilnError('USAGE', `${path} is the result of a rehearsal, made from practice media`, {
      hint: 'build the real one, or add --allow-rehearsal',
    });
  }
  const identity = identityOf(stats);
  const about = { path: full, name, format: format as ImageToPublish['format'], rehearsal, identity };
  if (late && entry === undefined) {
    const { known, learn } = await findHash(full, looking);
    const readSha256 = async () => (await hashFile(full, looking)).sha256;
    const found = { ...about, sha256: known ?? '', readSha256, size: Number(stats.size), build: '' };
    return known === undefined ? { found, learn } : { found };
  }
  const { sha256, size } = await hashFile(full, looking);
  // Only a build of the very same bytes made it.
  const build = entry?.sha256 === sha256 ? entry.build : '';
  return { found: { ...about, sha256, size, build } };
}

/** Publishes an image to all places at once; `done` is told of each that has it. @throws VmkilnError as `publishAll` does. */
export async function uploadImage(
  { found, learn }: FoundImage,
  targets: readonly PlannedTarget[],
  { world, ...context }: UploadContext,
  done: (published: Published) => void = () => undefined,
): Promise<Published[]> {
  const work = (file: string) => join(world.env['TMPDIR'] ?? tmpdir(), file);
  const { signal } = context;
  const published = await publishAll(
    targets,
    found,
    { ...world, ...context, work, exec: (call) => exec({ ...call, signal }) },
    done,
  );
  if (published[0]) await learn?.(published[0].sha256);
  return published;
}
