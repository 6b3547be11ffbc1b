import { createHash } from 'node:crypto';
import type { Serial } from '../serial.ts';

/** What a publication is about: the id of a project, a name there, and which publication of that name it is. */
export type Publishing = { project: string; name: string; serial: Serial };

/** How many ids a publication may have burnt. */
const most = 100;

/** The namespace of these ids: a UUID that was made once by chance. */
const namespace = '8f2d6c1e-3f0b-4f57-9a0e-5b7c94d1a2e6';

/**
 * The ids that the record of a publication may have, in their order. Whoever repeats it, on whatever host, has the same: so it finds the record that
 * is there, instead of making another one. The service refuses an id (409) that is in its table of images, where that of a deleted image stays too
 * (`image_create` in glance/db/sqlalchemy/api.py, `create` in glance/api/v2/images.py): a publication whose record was deleted takes the next.
 * Operators may purge that table, of what was deleted 180 days ago unless they say otherwise (`purge_images_table` in glance/cmd/manage.py).
 */
export function* chosenIds({ project, name, serial }: Publishing): Generator<string> {
  for (let attempt = 0; attempt < most; attempt++) yield uuidOf(JSON.stringify([project, name, serial, attempt]));
}

/** The UUID of a text: version 5 of RFC 9562, section 5.5. */
export function uuidOf(text: string, within: string = namespace): string {
  const hash = createHash('sha1')
    .update(Buffer.from(within.replaceAll('-', ''), 'hex'))
    .update(text)
    .digest();
  const bytes = hash.subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x50;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
