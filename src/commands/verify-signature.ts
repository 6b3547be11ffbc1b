import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { messageOf, VmkilnError } from '../errors.ts';
import { getData } from '../openstack/image-api.ts';
import { type HashMethod, keyTypeOf, readCertificate, signatureOf, verifyStream } from '../openstack/signing.ts';
import { openCloud } from '../openstack/open-cloud.ts';
import { readStoredCertificate } from '../targets/glance/sign.ts';
import type { CommandContext } from '../ui/ui.ts';
import { findByIdOrName } from './image-find.ts';
import { harmless } from '../text.ts';

type Options = { osCloud?: string; signature?: string; certificate?: string; hash?: HashMethod };

/**
 * `vmkiln verify-signature`: of a file with a signature and a certificate; of an image in a cloud with what its
 * properties say, streamed from the service.
 *
 * @throws VmkilnError SIGNATURE_INVALID
 */
export async function verifySignature(image: string, options: Options, context: CommandContext): Promise<void> {
  const isFile = (await stat(image).catch(() => undefined))?.isFile() ?? false;
  if (isFile) await verifyFile(image, options, context.signal);
  else await verifyImage(image, options, context);
  process.stdout.write(`${harmless(image)}: the signature is good\n`);
}

async function verifyFile(
  path: string,
  { signature, certificate, hash = 'SHA-256' }: Options,
  signal: AbortSignal,
): Promise<void> {
  if (signature === undefined || certificate === undefined) {
    throw new VmkilnError('USAGE', 'a file is verified with --signature and --certificate', { hint: 'give both' });
  }
  const found = readCertificate(await bytes(certificate), certificate);
  const raw = await bytes(signature);
  const text = raw.toString('latin1').trim();
  const properties = {
    img_signature: /^[A-Za-z0-9+/=\s]+$/.test(text) ? text.replaceAll(/\s/g, '') : raw.toString('base64'),
    img_signature_hash_method: hash,
    img_signature_key_type: keyTypeOf(found.publicKey),
  };
  await verifyStream(createReadStream(path, { highWaterMark: 1 << 20, signal }), properties, found, signal);
}

async function verifyImage(
  idOrName: string,
  { osCloud, certificate }: Options,
  { signal, world }: CommandContext,
): Promise<void> {
  const cloud = await openCloud(osCloud, world);
  const image = await findByIdOrName(cloud, idOrName, signal);
  const signature = signatureOf(image);
  if (signature === undefined) {
    throw new VmkilnError('SIGNATURE_INVALID', `the image ${image.id} is not signed`, {
      hint: 'upload it with --sign-key-path',
    });
  }
  const id = signature.img_signature_certificate_uuid;
  const pem = certificate === undefined ? await readStoredCertificate(cloud, id, signal) : await bytes(certificate);
  const found = readCertificate(pem, certificate ?? `the certificate ${id}`);
  await verifyStream(await getData(cloud, image.id, { signal }), signature, found, signal);
}

async function bytes(path: string): Promise<Buffer> {
  return readFile(path).catch((cause: unknown) => {
    throw new VmkilnError('USAGE', `cannot read ${path}: ${messageOf(cause)}`, { hint: 'correct the path', cause });
  });
}
