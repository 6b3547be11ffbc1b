import { VmkilnError } from '../../errors.ts';
import { wayTo } from '../../images/disk-format.ts';
import type { Image } from '../../openstack/image-api.ts';
import type { CloudSession } from '../../openstack/keystone.ts';
import { checkProperties, readDefinitions } from '../../openstack/metadefs.ts';
import type { SignatureProperties } from '../../openstack/signing.ts';
import type { ImageToPublish, TargetContext } from '../target.ts';
import { checkClock, higher, noSerial, type Serial, serialAfter } from '../serial.ts';
import { decide, type Decision } from './decide.ts';
import { serialOf } from './fence.ts';
import { type Look, look, sameImages, type Way, wayInto } from './look.ts';
import { uploaderOf } from './mark.ts';
import type { GlancePlace } from './recipe.ts';
import { isPublished, type Wanted } from './record.ts';
import { wantedImage } from './wanted.ts';

/** All that is known of a publication: of the cloud by the last look, and of itself by what it has done so far. */
export type Known = Look & {
  /** The SHA-256 is that of the file before any conversion, and known once the data was sent at the latest. */
  image: ImageToPublish;
  way: Way;
  /** Ids of the images with the same content. */
  same: ReadonlySet<string>;
  /** The file to send: the image's own, or what it was converted to. */
  file: { path: string; format: string };
  signature: SignatureProperties | undefined;
  /** The image that was made or taken up: complete, and verified. */
  own: Image | undefined;
  touched: boolean;
  different: ReadonlySet<string>;
  discarded: ReadonlySet<string>;
  /** The build whose image stays: the same publication was made by it before. */
  already?: string;
};

/**
 * Finds out what a publication begins with. Changes nothing.
 *
 * @returns with `doubts`: what looks like a slip in the image's properties.
 * @throws VmkilnError TARGET_FAILED for what the cloud does not offer or know.
 */
export async function survey(
  session: CloudSession,
  original: ImageToPublish,
  spec: GlancePlace,
  world: Pick<TargetContext, 'signal' | 'progress'>,
): Promise<{ known: Known; doubts: string[] }> {
  const { signal } = world;
  const given = asWanted(original, spec);
  const way = await wayInto(session, spec, signal);
  const { images, holder, clock } = await look(session, wantedImage(given, spec), signal);
  checkClock(given.serial, clock, session.cloud.name);
  const found = await withSha256(given, images, spec);
  const doubts = await checkAll(session, wantedImage(found, spec), signal);
  const same = await sameImages(images, found, world);
  const others = images.filter(({ id }) => !same.has(id));
  const image = { ...found, serial: serialAmong(found, others) };
  const file = { path: image.path, format: image.format };
  const nothing = { signature: undefined, own: undefined, different: new Set<string>(), discarded: new Set<string>() };
  return { known: { image, way, images, holder, clock, same, file, ...nothing, touched: false }, doubts };
}

/** The serial of a publication; one that goes back to an older image gets the next after those that are there. */
function serialAmong({ serial, rollback }: ImageToPublish, others: readonly Image[]): Serial {
  const highest = others.filter(isPublished).map(serialOf).reduce(higher, noSerial);
  return rollback && serial <= highest ? serialAfter(highest) : serial;
}

/**
 * An image that is of the wanted format as it is: an ISO is a raw disk too, and what nobody could vouch for is called what
 * the user calls it.
 *
 * @throws VmkilnError IMAGE_UNFIT for one that no conversion makes of it.
 */
function asWanted(image: ImageToPublish, { format = image.format, location }: GlancePlace): ImageToPublish {
  const way = image.unfit ? 'as it is' : wayTo(format, image.inspection?.format ?? image.format);
  if (way === 'as it is' && location === undefined) return { ...image, format };
  if (way !== undefined || location !== undefined) return image;
  throw new VmkilnError('IMAGE_UNFIT', `${image.name} is ${image.format}, and cannot become ${format}`, {
    hint: 'leave the format out, or ask for a format of disks: raw, qcow2, vmdk, vdi, vhd or vhdx',
  });
}

/** The record that a publication is to end with, as far as it is known. */
export function wantedBy({ image, signature }: Known, spec: GlancePlace): Wanted {
  const wanted = wantedImage(image, spec);
  return signature ? { ...wanted, properties: { ...wanted.properties, ...signature } } : wanted;
}

/** What it takes from here. */
export function nextSteps(known: Known, spec: GlancePlace): Decision {
  const { way, file, signature } = known;
  return decide(
    {
      wanted: wantedBy(known, spec),
      replace: spec.replace === true ? {} : spec.replace,
      method: way.method,
      signed: spec.sign !== undefined,
      hasLocation: spec.location !== undefined,
    },
    { ...known, uploader: uploaderOf, file: { format: file.format, signed: signature !== undefined } },
  );
}

/** The image with its digest, unless all of the file is read for sending it as it is: the digest is computed then. */
async function withSha256(image: ImageToPublish, images: readonly Image[], spec: GlancePlace): Promise<ImageToPublish> {
  if (image.sha256 !== '' || image.readSha256 === undefined) return image;
  const isNew = images.length === 0 && spec.sign === undefined && spec.location === undefined;
  const converts = spec.format !== undefined && wayTo(spec.format, image.format) === 'conversion';
  return isNew && !converts ? image : { ...image, sha256: await image.readSha256() };
}

/** @throws VmkilnError TARGET_FAILED for values that the cloud's catalogue does not allow. Returns what looks like a slip. */
async function checkAll(session: CloudSession, { properties }: Wanted, signal: AbortSignal): Promise<string[]> {
  const { wrong, doubtful } = checkProperties(properties, await readDefinitions(session, { signal }));
  if (wrong.length === 0) return doubtful;
  throw new VmkilnError(
    'TARGET_FAILED',
    `the cloud ${session.cloud.name} does not know these values:\n${wrong.join('\n')}`,
    { hint: 'correct the properties; the catalogue of the cloud (metadefs) says what they may be' },
  );
}
