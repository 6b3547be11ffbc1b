import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import type * as Sigstore from '@sigstore/core';
import { messageOf, VmkilnError } from '../errors.ts';
import { load } from '../load.ts';

/** A DSSE envelope (github.com/secure-systems-lab/dsse, envelope.md): payload and signatures are in base64. */
export type Envelope = { payload: string; payloadType: string; signatures: { keyid: string; sig: string }[] };

/** The type of payload that holds an in-toto statement. */
export const statementType = 'application/vnd.in-toto+json';

/**
 * A private key in PEM, without a passphrase: of an elliptic curve, Ed25519 or RSA.
 *
 * @throws VmkilnError SIGNATURE_INVALID
 */
export function signingKey(pem: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch (cause) {
    // The message of OpenSSL has nothing of the key in it.
    throw new VmkilnError('SIGNATURE_INVALID', `the key to sign with cannot be read: ${messageOf(cause)}`, {
      hint: 'it must be a private key in PEM without a passphrase: openssl genpkey -algorithm ed25519',
      cause,
    });
  }
  checkKind(key);
  return key;
}

/** A public key in PEM, or that of a certificate. @throws VmkilnError USAGE, SIGNATURE_INVALID */
export function verifyingKey(pem: string, path: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPublicKey(pem);
  } catch (cause) {
    throw new VmkilnError('USAGE', `${path} is no public key: ${messageOf(cause)}`, {
      hint: 'it must be in PEM: openssl pkey -in PRIVATE -pubout -out PUBLIC',
      cause,
    });
  }
  checkKind(key);
  return key;
}

function checkKind({ asymmetricKeyType }: KeyObject): void {
  if (['ec', 'ed25519', 'rsa'].includes(asymmetricKeyType ?? '')) return;
  throw new VmkilnError('SIGNATURE_INVALID', `a key of the kind ${asymmetricKeyType} cannot sign statements`, {
    hint: 'use one of an elliptic curve, Ed25519 or RSA',
  });
}

/** What tells a key from others: the SHA-256 (hex) of its public part as SubjectPublicKeyInfo in DER. */
export function keyId(key: KeyObject): string {
  const own = key.type === 'private' ? createPublicKey(key) : key;
  return createHash('sha256')
    .update(own.export({ type: 'spki', format: 'der' }))
    .digest('hex');
}

/** Puts a statement into an envelope, signed when there is a key. */
export function seal(statement: string, key: KeyObject | undefined): Envelope {
  const payload = Buffer.from(statement);
  const signatures = key === undefined ? [] : [{ keyid: keyId(key), sig: signed(payload, key) }];
  return { payload: payload.toString('base64'), payloadType: statementType, signatures };
}

function signed(payload: Buffer, key: KeyObject): string {
  const { dsse } = load<typeof Sigstore>('@sigstore/core');
  return sign(digestFor(key), dsse.preAuthEncoding(statementType, payload), key).toString('base64');
}

/** Whether a signature of an envelope is by the key, and says so: its id alone says nothing, for anybody can write that. */
export function isSignedBy({ payload, payloadType, signatures }: Envelope, key: KeyObject): boolean {
  const { crypto, dsse } = load<typeof Sigstore>('@sigstore/core');
  const data = dsse.preAuthEncoding(payloadType, Buffer.from(payload, 'base64'));
  const own = signatures.filter(({ keyid }) => keyid === keyId(key));
  return own.some(({ sig }) => crypto.verify(data, key, Buffer.from(sig, 'base64'), digestFor(key)));
}

/** Ed25519 hashes by itself. */
function digestFor({ asymmetricKeyType }: KeyObject): string | undefined {
  return asymmetricKeyType === 'ed25519' ? undefined : 'sha256';
}
