import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { readSecret } from '../../answers/holes.ts';
import { messageOf, VmkilnError } from '../../errors.ts';
import { readSecretPayload, storeCertificate } from '../../openstack/key-manager.ts';
import type { CloudSession } from '../../openstack/keystone.ts';
import type { Source } from '../../openstack/send-file.ts';
import {
  checkPair,
  readCertificate,
  readKey,
  type SignatureProperties,
  signStream,
  verifyStream,
} from '../../openstack/signing.ts';
import { type GlanceSpec, isCertificateId } from './recipe.ts';
import type { TargetContext } from '../target.ts';

/**
 * Signs a file: reads key and certificate, checks that they belong together, stores the certificate in the key manager
 * if it is a file, signs, and verifies what was signed.
 *
 * @throws VmkilnError SIGNATURE_INVALID, SECRET_MISSING, CLOUD_FAILED.
 */
export async function signImage(
  session: CloudSession,
  source: Source,
  sign: NonNullable<GlanceSpec['sign']>,
  name: string,
  { signal, env, cwd, progress }: TargetContext,
): Promise<SignatureProperties> {
  progress(`signing the image for ${session.cloud.name}`);
  const key = await readKey(sign.key, cwd, sign.passphrase && readSecret(sign.passphrase, env));
  const pem = isCertificateId(sign.certificate)
    ? await readStoredCertificate(session, sign.certificate, signal)
    : await readPem(sign.certificate, cwd);
  const certificate = readCertificate(pem, sign.certificate);
  checkPair(key, certificate);
  const signature = await signStream(createReadStream(source.path, { signal, highWaterMark: 1 << 20 }), key, sign.hash);
  await verifyStream(createReadStream(source.path, { signal, highWaterMark: 1 << 20 }), signature, certificate, signal);
  const id = isCertificateId(sign.certificate)
    ? sign.certificate
    : await storeCertificate(session, `vmkiln ${name}`, pem.toString('latin1'), { signal });
  return { ...signature, img_signature_certificate_uuid: id };
}

/** A certificate of the key manager, as the Image service fetches it. @throws VmkilnError CLOUD_FAILED */
export function readStoredCertificate(session: CloudSession, id: string, signal: AbortSignal): Promise<Buffer> {
  return readSecretPayload(session, id, { signal });
}

async function readPem(path: string, cwd: string): Promise<Buffer> {
  return readFile(resolve(cwd, path)).catch((cause: unknown) => {
    throw new VmkilnError('SIGNATURE_INVALID', `the certificate ${path} cannot be read: ${messageOf(cause)}`, {
      hint: 'give the path of a PEM file, or the id of a certificate in the key manager',
      cause,
    });
  });
}
