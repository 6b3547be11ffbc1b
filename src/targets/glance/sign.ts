import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { readSecret } from '../../answers/holes.ts';
import { messageOf, VmkilnError } from '../../errors.ts';
import { readSecretPayload, storeCertificate } from '../../openstack/image-api.ts';
import type { Session } from '../../openstack/keystone.ts';
import type { Source } from '../../openstack/send-file.ts';
import {
  checkPair,
  readCertificate,
  readKey,
  type SignatureProperties,
  signStream,
  verifyStream,
} from '../../openstack/signing.ts';
import type { GlanceSpec } from './recipe.ts';
import type { TargetContext } from '../target.ts';

const isId = (text: string) => /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(text);

/**
 * Signs a file: reads key and certificate, checks that they belong together, stores the certificate in the key manager
 * if it is a file, signs, and verifies what was signed.
 *
 * @throws VmkilnError SIGNATURE_INVALID, SECRET_MISSING, CLOUD_FAILED.
 */
export async function signImage(
  session: Session,
  source: Source,
  sign: NonNullable<GlanceSpec['sign']>,
  name: string,
  { signal, progress }: TargetContext,
): Promise<SignatureProperties> {
  progress(`signing the image for ${session.cloud.name}`);
  const key = await readKey(sign.key, sign.passphrase && readSecret(sign.passphrase));
  const pem = isId(sign.certificate)
    ? await readStoredCertificate(session, sign.certificate, signal)
    : await readPem(sign.certificate);
  const certificate = readCertificate(pem, sign.certificate);
  checkPair(key, certificate);
  const signature = await signStream(createReadStream(source.path, { signal, highWaterMark: 1 << 20 }), key, sign.hash);
  await verifyStream(createReadStream(source.path, { signal, highWaterMark: 1 << 20 }), signature, certificate, signal);
  const id = isId(sign.certificate)
    ? sign.certificate
    : await storeCertificate(session, `vmkiln ${name}`, pem.toString('latin1'), { signal });
  return { ...signature, img_signature_certificate_uuid: id };
}

/** A certificate of the key manager, as the Image service fetches it. @throws VmkilnError CLOUD_FAILED */
export function readStoredCertificate(session: Session, id: string, signal: AbortSignal): Promise<Buffer> {
  return readSecretPayload(session, id, { signal });
}

async function readPem(path: string): Promise<Buffer> {
  return readFile(path).catch((cause: unknown) => {
    throw new VmkilnError('SIGNATURE_INVALID', `the certificate ${path} cannot be read: ${messageOf(cause)}`, {
      hint: 'give the path of a PEM file, or the id of a certificate in the key manager',
      cause,
    });
  });
}
