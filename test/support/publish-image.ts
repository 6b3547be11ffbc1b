import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Published } from '../../src/model.ts';
import { directory } from '../../src/targets/directory/directory.ts';
import { noSerial, serialNow, serialOfBuild } from '../../src/targets/serial.ts';
import type { TargetCall } from '../../src/targets/target.ts';
import { exec } from '../../src/tools/exec.ts';
import { type About, imageDocuments } from './statements.ts';

const signal = new AbortController().signal;

/** Publishes a file to a folder as a build does. `about` null: nothing is said of it. */
export async function publishImage(
  path: string,
  folder: string,
  {
    name,
    format = 'raw',
    build,
    about = {},
  }: { name: string; format?: 'raw' | 'qcow2'; build: string; about?: Partial<About> | null },
): Promise<Published> {
  const data = readFileSync(path);
  const sha256 = createHash('sha256').update(data).digest('hex');
  const serial = serialOfBuild(build);
  const documents = about && (await imageDocuments({ sha256, passed: true, ...about }));
  const image = {
    ...{
      path,
      name,
      format,
      size: data.length,
      sha256,
      build,
      rehearsal: false,
      serial: serial === noSerial ? serialNow() : serial,
    },
    ...(documents && { documents }),
  };
  const nothing = () => undefined;
  const context = {
    ...{ signal, env: {}, cwd: folder, progress: nothing, note: nothing, work: (file: string) => file },
    exec: (call: TargetCall) => exec({ ...call, signal }),
  };
  return directory.publish(image, { path: folder }, context);
}

/** Publishes such content to the folder `images` of `cwd`, and gives its digest. */
export async function publishContent(
  cwd: string,
  data: string | Buffer,
  about: Partial<About> | null = {},
  name = 'rhel9',
  format: 'raw' | 'qcow2' = 'raw',
): Promise<string> {
  const sha256 = createHash('sha256').update(data).digest('hex');
  const path = join(cwd, `build-${sha256}`);
  writeFileSync(path, data);
  const letters = String(data).replaceAll(/[^a-z]/g, '');
  await publishImage(path, join(cwd, 'images'), { name, format, build: `${name}-${letters.slice(-5)}`, about });
  return sha256;
}
