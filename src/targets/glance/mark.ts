import { readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Image } from '../../openstack/image-api.ts';
import { isAlive, ownIdentity, type ProcessIdentity } from '../../store/process.ts';
import type { Uploader } from './decide.ts';
import { uploadingProperty } from './record.ts';

/** Who uploads, since when. A pid means something in its own PID namespace alone: a container has one of its own. */
type Mark = ProcessIdentity & { host: string; namespace: string; at: string };

/** The first PID namespace of every kernel: PROC_PID_INIT_INO in Linux's include/linux/proc_ns.h. */
const outermost = 'pid:[4026531836]';
/** How long (milliseconds) a mark is believed whose process cannot be looked at. */
const patience = 12 * 3_600_000;

/** The value of `vmkiln_uploading` while this process uploads; no two uploads have the same. */
export function uploaderMark(): string {
  const at = new Date().toISOString();
  return JSON.stringify({ host: hostname(), namespace: namespace(), at, ...ownIdentity() } satisfies Mark);
}

/**
 * What became of the process that marked an image. A mark of another host or container is believed for twelve hours, so
 * that a nightly build is not held up by the one before.
 */
export function uploaderOf(image: Image): Uploader {
  const mark = readMark(image);
  if (mark === undefined) return 'gone';
  const own = ownIdentity();
  if (mark.bootId === own.bootId && mark.namespace === namespace()) {
    // What this very process has left is of an upload that ended: the lock lets it do one at a time.
    return isAlive(mark) && mark.pid !== own.pid ? 'alive' : 'gone';
  }
  // The same machine before it was started again. The names of containers say nothing.
  const isRebooted = mark.bootId !== own.bootId && mark.namespace === outermost && namespace() === outermost;
  if (isRebooted && mark.host === hostname() && !/^localhost\b/.test(mark.host)) return 'gone';
  return Date.now() - Date.parse(mark.at) > patience ? 'gone' : 'elsewhere';
}

function readMark(image: Image): Mark | undefined {
  try {
    const mark = JSON.parse(String(image[uploadingProperty])) as Partial<Mark> | null;
    return typeof mark?.at === 'string' ? (mark as Mark) : undefined;
  } catch {
    return undefined;
  }
}

function namespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
}
