import { createHash } from 'node:crypto';
import { VmkilnError } from '../../errors.ts';
import { type Progress, transferReporter } from '../../media/progress.ts';
import { extraProperties, type Image } from '../../openstack/image-api.ts';
import type { Source } from '../../openstack/send-file.ts';
import { digestInto } from '../../store/digest.ts';
import { isSerialProperty } from './fence.ts';
import { uploadingProperty, type Wanted } from './record.ts';

type World = { source: Source | undefined; signal: AbortSignal; progress: Progress; note: (message: string) => void };

/**
 * Compares what the service has with what was sent: size and hash. Says what the cloud made of it by itself: a
 * conversion, after which nothing can be compared, and properties it added.
 *
 * @throws VmkilnError TARGET_FAILED when the image there is not the one that was sent.
 */
export async function verifyUpload(
  image: Image,
  wanted: Wanted,
  world: World,
  sha512: string | undefined,
): Promise<void> {
  const { source, note } = world;
  if (image.status !== 'active') {
    throw new VmkilnError('TARGET_FAILED', `the image ${image.id} is ${image.status} after its upload`, {
      hint: 'upload it again',
    });
  }
  const added = injected(image, wanted);
  if (added.length > 0) note(`the cloud added ${added.join(', ')}`);
  if (image.disk_format !== wanted.disk_format) {
    note(
      `the cloud converted the image from ${wanted.disk_format} to ${image.disk_format}; its hash is that of the converted one`,
    );
    return;
  }
  if (source === undefined) return;
  if (image.size !== source.size) throw differs(image, `it has ${image.size} bytes there, and ${source.size} here`);
  const algorithm = image.os_hash_algo;
  if (!algorithm || !image.os_hash_value) return;
  const here = algorithm === 'sha512' && sha512 !== undefined ? sha512 : await digestOf(source, algorithm, world);
  if (here !== image.os_hash_value) throw differs(image, `its ${algorithm} differs`);
}

/** Whether the service has exactly the bytes of a file: nothing that it has converted, and no file made anew. */
export async function hasBytesOf(
  image: Image,
  source: Source,
  world: Pick<World, 'signal' | 'progress'>,
): Promise<boolean> {
  const { os_hash_algo: algorithm, os_hash_value: there } = image;
  if (image.size !== source.size || !algorithm || !there) return false;
  return (await digestOf(source, algorithm, world)) === there;
}

/** The digest of a file in the service's algorithm, lower-case hex. */
export async function digestOf(
  source: Pick<Source, 'path' | 'size'>,
  algorithm: string,
  { signal, progress }: Pick<World, 'signal' | 'progress'>,
): Promise<string> {
  const hash = createHash(algorithm);
  await digestInto(hash, source.path, signal, transferReporter(`${algorithm} of the image`, source.size, 0, progress));
  return hash.digest('hex');
}

function differs(image: Image, how: string): VmkilnError {
  return new VmkilnError('TARGET_FAILED', `what arrived as ${image.id} is not what was sent: ${how}`, {
    hint: 'upload it again; if it happens twice, a proxy in between or the store of the cloud changes data',
  });
}

function injected(image: Image, { properties, follows }: Wanted): string[] {
  const sent = { ...follows?.properties, ...properties };
  return Object.entries(extraProperties(image)).flatMap(([name, value]) => {
    const isOurs = name === uploadingProperty || isSerialProperty(name) || name in sent;
    if (name.startsWith('os_glance_') || isOurs) return [];
    return [`${name}=${String(value)}`];
  });
}
