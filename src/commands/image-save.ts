import { once } from 'node:events';
import { resolve } from 'node:path';
import type { Writable } from 'node:stream';
import { VmkilnError } from '../errors.ts';
import { transferReporter } from '../media/progress.ts';
import type { Image } from '../openstack/image-api.ts';
import type { CloudSession } from '../openstack/keystone.ts';
import { openCloud } from '../openstack/open-cloud.ts';
import { receiveData } from '../openstack/receive-data.ts';
import { saveImage } from '../openstack/save-image.ts';
import { digestAsThere } from '../openstack/there-digest.ts';
import type { CommandContext } from '../ui/ui.ts';
import { type CloudOptions, findByIdOrName, print } from './image-find.ts';
import { progressLines } from './progress-lines.ts';

type SaveOptions = CloudOptions & { file?: string; force?: boolean };

/** `vmkiln image save`: the data goes to a file, which appears when it is whole and verified, or to standard output. */
export async function save(id: string, options: SaveOptions, context: CommandContext): Promise<void> {
  const { signal, world, say } = context;
  const file = options.file === '-' ? undefined : options.file;
  if (file === undefined) refuseOutput(options);
  const cloud = await openCloud(options.osCloud, world);
  const image = withData(await findByIdOrName(cloud, id, signal));
  if (file === undefined) return toOutput(cloud, image, context);
  const how = { force: options.force ?? false, signal, progress: progressLines(context), note: say };
  const saved = await saveImage(cloud, image, resolve(world.cwd, file), how);
  print(options.json, saved, () => `${saved.file}${saved.unchanged ? ' (already there)' : ''}\n`);
}

function refuseOutput({ json }: SaveOptions): void {
  const hint = 'name a file: --file FILE';
  if (json) throw new VmkilnError('USAGE', '--json and the data cannot both go to standard output', { hint });
  if (process.stdout.isTTY) throw new VmkilnError('USAGE', 'an image is nothing for a terminal', { hint });
}

function withData(image: Image): Image & { size: number } {
  if (image.size !== null && (image.status === 'active' || image.status === 'deactivated'))
    return { ...image, size: image.size };
  throw new VmkilnError('USAGE', `the image ${image.id} has no data: it is ${image.status}`, {
    hint: 'wait until its upload or import has ended: vmkiln image show shows it',
  });
}

async function toOutput(cloud: CloudSession, image: Image & { size: number }, context: CommandContext): Promise<void> {
  const { signal, say } = context;
  const digest = digestAsThere(image);
  const report = transferReporter(`downloading ${image.id}`, image.size, 0, progressLines(context));
  let done = 0;
  for await (const chunk of receiveData(cloud, image, { from: 0, signal, note: say })) {
    digest?.hash.update(chunk);
    await written(process.stdout, chunk, signal);
    report((done += chunk.length));
  }
  if (digest === undefined) say(`${image.id} has no checksum there: only its size was compared`);
  else if (!digest.isRight()) throw digest.wrong();
}

async function written(stream: Writable, chunk: Buffer, signal: AbortSignal): Promise<void> {
  if (!stream.write(chunk)) await once(stream, 'drain', { signal }).catch(() => signal.throwIfAborted());
}
