import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { directory } from '../../src/targets/directory/directory.ts';
import { serialNow } from '../../src/targets/serial.ts';
import type { TargetCall } from '../../src/targets/target.ts';
import { exec } from '../../src/tools/exec.ts';
import { type About, imageDocuments } from './statements.ts';

/** Publishes to the folder `images` of `cwd` as a build does, and gives the digest of the image. `about` null: nothing is said of it. */
export async function publishImage(
  cwd: string,
  data: string | Buffer,
  about: Partial<About> | null = {},
  name = 'rhel9',
  format: 'raw' | 'qcow2' = 'raw',
): Promise<string> {
  const { signal } = new AbortController();
  const sha256 = createHash('sha256').update(data).digest('hex');
  const path = join(cwd, `build-${sha256}`);
  writeFileSync(path, data);
  const build = `${name}-${String(data)
    .replaceAll(/[^a-z]/g, '')
    .slice(-5)}`;
  const documents = about && (await imageDocuments({ sha256, passed: true, ...about }));
  const image = {
    ...{ path, name, format, size: data.length, sha256, build, rehearsal: false, serial: serialNow() },
    ...(documents && { documents }),
  };
  const nothing = () => undefined;
  const world = { signal, env: {}, cwd, progress: nothing, note: nothing, work: (file: string) => file };
  const context = { ...world, exec: (call: TargetCall) => exec({ ...call, signal }) };
  await directory.publish(image, { path: join(cwd, 'images') }, context);
  return sha256;
}
