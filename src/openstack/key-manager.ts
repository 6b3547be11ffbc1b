import { readText } from './http.ts';
import type { CloudSession } from './keystone.ts';

type Options = { signal: AbortSignal };

/** How often a question that changes nothing is asked. */
const attempts = 5;

/** The payload of a secret of the key manager (Barbican), as bytes. */
export async function readSecretPayload(session: CloudSession, id: string, { signal }: Options): Promise<Buffer> {
  const headers = { Accept: 'application/octet-stream' };
  const request = { method: 'GET', headers, attempts, signal };
  const answer = await session.ask('key-manager', `/v1/secrets/${id}/payload`, request);
  const chunks: Buffer[] = [];
  for await (const chunk of answer.body) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Stores a certificate (PEM) in the key manager and returns its id. */
export async function storeCertificate(
  session: CloudSession,
  name: string,
  pem: string,
  { signal }: Options,
): Promise<string> {
  const headers = { 'Content-Type': 'application/json' };
  const body = JSON.stringify({
    name,
    secret_type: 'certificate',
    payload: Buffer.from(pem).toString('base64'),
    payload_content_type: 'application/octet-stream',
    payload_content_encoding: 'base64',
  });
  const answer = await session.ask('key-manager', '/v1/secrets', { method: 'POST', headers, body, signal });
  const { secret_ref: reference } = JSON.parse(await readText(answer)) as { secret_ref: string };
  return reference.split('/').at(-1) ?? '';
}
