import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { VmkilnError } from '../../errors.ts';
import { checkClock, higher, hintForOlder, noSerial, type Serial, serialAfter } from '../serial.ts';
import type { ImageToPublish } from '../target.ts';
import { findPublished, type IndexEntry, readIndex } from './index-file.ts';

/**
 * The serial that an image gets in a folder.
 *
 * @returns its own; that of the same content if it is higher; or, to go back to an older image, the next after the one there.
 * @throws VmkilnError TARGET_FAILED when a newer image is there under that name, or the serial is from a wrong clock.
 */
export async function serialIn(folder: string, file: string, image: ImageToPublish): Promise<Serial> {
  const clock = Date.now();
  checkClock(image.serial, clock, 'this host');
  const listed = (await readIndex(folder)).find((entry) => entry.file === file);
  const isThere = listed && (await stat(join(folder, file)).catch(() => undefined));
  return isThere ? serialOver(listed, image, clock, folder) : image.serial;
}

/**
 * The image that was published in place of this one: by the same publication, which somebody has repeated with other bytes. Of these the first stays,
 * as long as it is whole.
 */
export async function firstIn(folder: string, file: string, image: ImageToPublish): Promise<IndexEntry | undefined> {
  if (image.rollback || image.serial === noSerial) return undefined;
  const there = await findPublished(folder, file);
  return there?.serial === image.serial && there.sha256 !== image.sha256 ? there : undefined;
}

function serialOver(listed: IndexEntry, image: ImageToPublish, clock: number, folder: string): Serial {
  const { serial: there = noSerial, build, file } = listed;
  if (listed.sha256 === image.sha256) return higher(there, image.serial);
  if (there < image.serial || (there === image.serial && !image.rollback)) return image.serial;
  if (image.rollback) return serialAfter(there);
  const of = build === '' ? '' : ` of build ${build}`;
  throw new VmkilnError(
    'TARGET_FAILED',
    `a newer ${file}${of} is in ${folder}: its serial is ${there}, and that of this one ${image.serial}`,
    { hint: hintForOlder(there, clock, `remove its serial from ${join(folder, 'index.json')}`) },
  );
}
