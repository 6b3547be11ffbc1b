import { constants, createPrivateKey, createSign, createVerify, type KeyObject, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { interrupted, messageOf, VmkilnError } from '../errors.ts';

/** The hash methods of the Image service's signature properties, and what OpenSSL calls them. */
const hashes = { 'SHA-224': 'sha224', 'SHA-256': 'sha256', 'SHA-384': 'sha384', 'SHA-512': 'sha512' } as const;
export type HashMethod = keyof typeof hashes;

/** Elliptic curves that the Image service (cursive) knows. P-256 is not among them. */
const curves: Readonly<Record<string, string>> = {
  secp384r1: 'ECC_SECP384R1',
  secp521r1: 'ECC_SECP521R1',
  sect571k1: 'ECC_SECT571K1',
  sect409k1: 'ECC_SECT409K1',
  sect571r1: 'ECC_SECT571R1',
  sect409r1: 'ECC_SECT409R1',
};

/** A signature as an image's properties carry it. */
export type SignatureProperties = {
  img_signature: string;
  img_signature_hash_method: string;
  img_signature_key_type: string;
  img_signature_certificate_uuid: string;
};

/**
 * Opens a private key (PEM). A relative path counts from `cwd`.
 *
 * @throws VmkilnError SIGNATURE_INVALID for a key that cannot be read or is of a kind the service cannot verify.
 */
export async function readKey(path: string, cwd: string, passphrase: string | undefined): Promise<KeyObject> {
  try {
    const key = createPrivateKey({
      key: await readFile(resolve(cwd, path)),
      ...(passphrase !== undefined && { passphrase }),
    });
    keyTypeOf(key);
    return key;
  } catch (cause) {
    if (cause instanceof VmkilnError) throw cause;
    const text = messageOf(cause);
    const locked = /passphrase|bad decrypt|interrupted or cancelled|password/i.test(text);
    throw invalid(
      `the private key ${path} cannot be read${locked ? ': its passphrase is missing or wrong' : ''}`,
      locked ? 'give the passphrase by reference (passphrase: { env: NAME })' : 'it must be a private key in PEM',
      locked ? undefined : cause,
    );
  }
}

/** @throws VmkilnError SIGNATURE_INVALID when it is no certificate in PEM: the service reads no DER */
export function readCertificate(pem: string | Buffer, where: string): X509Certificate {
  if (!pem.toString('latin1').includes('-----BEGIN CERTIFICATE-----')) {
    throw invalid(
      `${where} is not a certificate in PEM`,
      'convert it: openssl x509 -inform DER -in FILE -out FILE.pem',
    );
  }
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw invalid(
      `${where} cannot be read as a certificate: ${messageOf(cause)}`,
      'see openssl x509 -text -in FILE',
      cause,
    );
  }
}

/** @throws VmkilnError SIGNATURE_INVALID when the certificate is not that of the key, or not valid now */
export function checkPair(key: KeyObject, certificate: X509Certificate): void {
  if (!certificate.checkPrivateKey(key)) {
    throw invalid(
      'the certificate does not belong to the private key',
      'name the certificate that was issued for this key',
    );
  }
  checkDates(certificate);
}

function checkDates({ validFrom, validTo }: X509Certificate): void {
  const now = Date.now();
  if (now < Date.parse(validFrom) || now > Date.parse(validTo)) {
    throw invalid(`the certificate is valid from ${validFrom} to ${validTo}, not now`, 'use a valid certificate');
  }
}

/** What the Image service calls a kind of key. @throws VmkilnError SIGNATURE_INVALID for one that it cannot verify */
export function keyTypeOf(key: KeyObject): string {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (type === 'rsa' || type === 'rsa-pss') return 'RSA-PSS';
  if (type === 'dsa') return 'DSA';
  const curve = details?.namedCurve ?? '';
  const found = type === 'ec' ? curves[curve] : undefined;
  if (found !== undefined) return found;
  throw invalid(
    `the Image service cannot verify signatures of a key of the type ${type}${curve && ` on ${curve}`}`,
    'use RSA, or an elliptic curve like secp384r1',
  );
}

/** RSA as the service verifies it: PSS, MGF1 of the same hash, and the longest salt. */
const padding = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_MAX_SIGN };

/** Signs the whole of a stream. The properties lack the id of the certificate. */
export async function signStream(
  data: Readable,
  key: KeyObject,
  hash: HashMethod,
): Promise<Omit<SignatureProperties, 'img_signature_certificate_uuid'>> {
  const type = keyTypeOf(key);
  const signer = createSign(hashes[hash]);
  for await (const chunk of data) signer.update(chunk as Buffer);
  const signature = signer.sign(type === 'RSA-PSS' ? { key, ...padding } : { key, dsaEncoding: 'der' });
  return {
    img_signature: signature.toString('base64'),
    img_signature_hash_method: hash,
    img_signature_key_type: type,
  };
}

/**
 * Verifies the signature of a stream, as Compute does before it boots an image.
 *
 * @throws VmkilnError SIGNATURE_INVALID, INTERRUPTED.
 */
export async function verifyStream(
  data: Readable,
  properties: Omit<SignatureProperties, 'img_signature_certificate_uuid'>,
  certificate: X509Certificate,
  signal: AbortSignal,
): Promise<void> {
  const { img_signature: signature, img_signature_hash_method: method, img_signature_key_type: type } = properties;
  const hash = (hashes as Readonly<Record<string, string>>)[method];
  if (hash === undefined) throw invalid(`the hash method ${method} is none of ${Object.keys(hashes).join(', ')}`);
  const key = certificate.publicKey;
  const actual = keyTypeOf(key);
  if (actual !== type) throw invalid(`the signature says ${type}, and the certificate has a key of ${actual}`);
  checkDates(certificate);
  const verifier = createVerify(hash);
  try {
    for await (const chunk of data) verifier.update(chunk as Buffer);
  } catch (cause) {
    if (signal.aborted) throw interrupted('verifying a signature', signal);
    throw cause;
  }
  const options =
    type === 'RSA-PSS' ? { key, ...padding, saltLength: saltLength(key, hash) } : { key, dsaEncoding: 'der' as const };
  if (!verifier.verify(options, Buffer.from(signature, 'base64'))) {
    throw invalid(
      'the signature is not that of this image and this certificate',
      'the image was changed after it was signed, or another key signed it: do not use it',
    );
  }
}

/** The longest salt that fits (RFC 8017, 9.1.1): the service accepts no other, so neither do we. In bytes. */
function saltLength(key: KeyObject, hash: string): number {
  const bits = (key.asymmetricKeyDetails?.modulusLength ?? 2048) - 1;
  return Math.ceil(bits / 8) - Number(hash.slice(3)) / 8 - 2;
}

/**
 * The signature of an image's properties, undefined when it has none. A part of them is worse than none: the service
 * then verifies nothing and does not say so.
 *
 * @throws VmkilnError SIGNATURE_INVALID
 */
export function signatureOf(properties: Readonly<Record<string, unknown>>): SignatureProperties | undefined {
  const names = [
    'img_signature',
    'img_signature_hash_method',
    'img_signature_key_type',
    'img_signature_certificate_uuid',
  ] as const;
  const there = names.filter((name) => typeof properties[name] === 'string' && properties[name] !== '');
  if (there.length === 0) return undefined;
  if (there.length < names.length) {
    const missing = names.filter((name) => !there.includes(name)).join(', ');
    throw invalid(`the image lacks ${missing}: the service verifies none of its signature`, 'give all four, or none');
  }
  return Object.fromEntries(names.map((name) => [name, properties[name]])) as SignatureProperties;
}

function invalid(message: string, hint = 'sign the image again', cause?: unknown): VmkilnError {
  return new VmkilnError('SIGNATURE_INVALID', message, { hint, ...(cause === undefined ? {} : { cause }) });
}
