import { createHmac } from 'node:crypto';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { hookCommand } from '../../src/hooks.ts';
import { exec } from '../../src/tools/exec.ts';

const folder = mkdtempSync(join(tmpdir(), 'vmkiln-shipped-'));
const contextFile = join(folder, 'context.json');

async function runShipped(name: string, context: object, env: Record<string, string>) {
  writeFileSync(
    contextFile,
    `${JSON.stringify({ version: 1, build: 'b1', name: 'rhel7', published: [], ...context })}\n`,
  );
  const run = resolve(import.meta.dirname, '../../hooks', name);
  const { program, args } = hookCommand({ run });
  const signal = new AbortController().signal;
  return exec({ program, args, timeout: 30, signal, env: { ...env, VMKILN_CONTEXT: contextFile } });
}

test('webhook.mjs posts the context with a signature, again after a 503, and not after a 400', async () => {
  const seen: { body: string; headers: IncomingHttpHeaders }[] = [];
  const answers = [503, 204, 400];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += String(chunk)));
    request.on('end', () => {
      seen.push({ body, headers: request.headers });
      response.writeHead(answers.shift() ?? 500).end();
    });
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/token-in-path`;
  const env = { VMKILN_WEBHOOK_URL: url, VMKILN_WEBHOOK_SECRET: 'shared' };
  await runShipped('webhook.mjs', { hook: 'afterUpload' }, env);
  expect(seen).toHaveLength(2);
  const [, last] = seen;
  expect(last?.body).toBe(readFileSync(contextFile, 'utf8'));
  const mac = createHmac('sha256', 'shared')
    .update(last?.body ?? '')
    .digest('hex');
  expect(last?.headers).toMatchObject({ 'x-vmkiln-event': 'afterUpload', 'x-vmkiln-signature-256': `sha256=${mac}` });
  const failed = runShipped('webhook.mjs', { hook: 'afterUpload' }, env);
  await expect(failed).rejects.toThrow('the webhook answered 400');
  await expect(failed).rejects.not.toThrow('token-in-path');
  expect(seen).toHaveLength(3);
  server.close();
});

test('notify.mjs runs the command with a sentence, as one word whatever is in it', async () => {
  const out = join(folder, 'said');
  const program = join(folder, 'say.sh');
  writeFileSync(program, `#!/bin/sh\n{ printf '%s|' "$@"; cat; } > ${out}\n`, { mode: 0o755 });
  const explanation = { id: 'x', cause: 'the disk is too small', file: 'console.log', line: 1 };
  const failure = { code: 'INSTALL_FAILED', message: `it said "no"; $(touch ${out}.bad)`, explanation };
  const context = { hook: 'onFailure', failure, folder: '/builds/b1' };
  await runShipped('notify.mjs', context, { VMKILN_NOTIFY_COMMAND: `${program} -s {subject} ops@example.com` });
  expect(readFileSync(out, 'utf8')).toBe(
    `-s|vmkiln: rhel7 failed|ops@example.com|vmkiln: rhel7 failed\n${failure.message}\nWhy: ${explanation.cause}\nSee /builds/b1\n`,
  );
});

test('notify.mjs tells of a night by its first line, and in full', async () => {
  const out = join(folder, 'night');
  const program = join(folder, 'night.sh');
  writeFileSync(program, `#!/bin/sh\n{ printf '%s|' "$@"; cat; } > ${out}\n`, { mode: 0o755 });
  const context = { hook: 'afterNight', text: 'nightly: 1 failed (2m)\n\nfailed: no space left' };
  await runShipped('notify.mjs', context, { VMKILN_NOTIFY_COMMAND: `${program} {subject}` });
  expect(readFileSync(out, 'utf8')).toBe(`vmkiln: nightly: 1 failed (2m)|${context.text}\n`);
});
