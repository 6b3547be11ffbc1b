// Posts what happened to the address in VMKILN_WEBHOOK_URL, as the JSON that every hook gets.
// With a secret in VMKILN_WEBHOOK_SECRET, or in the file that VMKILN_WEBHOOK_SECRET_FILE names, the header
// X-Vmkiln-Signature-256 is `sha256=` and the HMAC-SHA-256 of the body in hexadecimal digits.
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const {
  VMKILN_WEBHOOK_URL: url,
  VMKILN_WEBHOOK_SECRET: plain,
  VMKILN_WEBHOOK_SECRET_FILE: file,
  VMKILN_CONTEXT: context = '',
} = process.env;
if (!url) throw new Error('VMKILN_WEBHOOK_URL is not set');
const secret = file ? readFileSync(file, 'utf8').replace(/\r?\n$/, '') : plain;
const body = readFileSync(context, 'utf8');
const { hook, build } = JSON.parse(body);
const headers = { 'Content-Type': 'application/json', 'X-Vmkiln-Event': hook, 'X-Vmkiln-Build': build };
if (secret) headers['X-Vmkiln-Signature-256'] = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;

const attempts = 4;
for (let attempt = 1; ; attempt++) {
  let problem;
  try {
    const response = await fetch(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(30_000) });
    await response.body?.cancel();
    if (response.ok) break;
    problem = `the webhook answered ${response.status}`;
    if (response.status < 500 && response.status !== 429) throw Object.assign(new Error(problem), { final: true });
  } catch (error) {
    if (error.final) throw error;
    problem ??= `the webhook does not answer: ${error.cause?.message ?? error.message}`;
  }
  // The address may hold a token: it is not shown.
  if (attempt === attempts) throw new Error(problem);
  await sleep(1000 * 2 ** (attempt - 1));
}
