import { createHmac } from 'node:crypto';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { notify } from '../../src/factory/notify.ts';
import type { NightSummary } from '../../src/factory/summary.ts';
import { hookCommand } from '../../src/hooks.ts';
import { hooks } from '../../src/recipe/hooks.ts';
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

test('notify.mjs has words for every hook of a recipe', async () => {
  for (const hook of Object.keys(hooks.shape)) {
    const failure = hook === 'onFailure' ? { message: 'it failed' } : undefined;
    await runShipped('notify.mjs', { hook, failure }, { VMKILN_NOTIFY_COMMAND: `tee ${join(folder, hook)}` });
    expect(readFileSync(join(folder, hook), 'utf8')).toMatch(/^vmkiln: rhel7 (is|failed)/);
  }
});

test('notify.mjs tells of a night by its first line, and in full', async () => {
  const out = join(folder, 'night');
  const program = join(folder, 'night.sh');
  writeFileSync(program, `#!/bin/sh\n{ printf '%s|' "$@"; cat; } > ${out}\n`, { mode: 0o755 });
  const context = { hook: 'afterNight', text: 'nightly: 1 failed (2m)\n\nfailed: no space left' };
  await runShipped('notify.mjs', context, { VMKILN_NOTIFY_COMMAND: `${program} {subject}` });
  expect(readFileSync(out, 'utf8')).toBe(`vmkiln: nightly: 1 failed (2m)|${context.text}\n`);
});

test('a message of a night that is not sent is told by the name of its script and the reason, without a stack', async () => {
  const run = resolve(import.meta.dirname, '../../hooks/notify.mjs');
  const night = { night: 'f-1', file: join(folder, 'factory.yaml'), outcome: 'done', entries: [] };
  const context = { signal: new AbortController().signal, world: { env: {}, cwd: folder } };
  const whom = { notify: [{ run, when: 'always' as const, timeout: 30 }] };
  expect(await notify(whom, night as unknown as NightSummary, 'f: nothing', context)).toEqual([
    'notify.mjs exited with status 1: Error: VMKILN_NOTIFY_COMMAND is not set',
  ]);
});

test('vulnerabilities.mjs counts what a scanner finds, and fails where it knows nothing or too much', async () => {
  const sbom = join(folder, 'sbom.cdx.json');
  writeFileSync(sbom, JSON.stringify({ components: [{ type: 'operating-system', name: 'rhel', version: '9.6' }] }));
  const answer = join(folder, 'answer.json');
  const seen = join(folder, 'seen.json');
  const bin = mkdtempSync(join(tmpdir(), 'vmkiln-scanners-'));
  for (const [name, word] of [
    ['trivy', '"$5"'],
    ['grype', '"${1#sbom:}"'],
  ] as const) {
    writeFileSync(join(bin, name), `#!/bin/sh\ncat ${word} > ${seen}\ncat ${answer}\n`, { mode: 0o755 });
  }
  const scan = (said: object, env: Record<string, string> = {}) => {
    writeFileSync(answer, JSON.stringify(said));
    const path = `${bin}:${process.env['PATH']}`;
    return runShipped(
      'vulnerabilities.mjs',
      { hook: 'afterBuild', folder, documents: { sbom } },
      { PATH: path, ...env },
    );
  };
  const os = (Severity: string[]) => ({
    Class: 'os-pkgs',
    Vulnerabilities: Severity.map((each) => ({ Severity: each })),
  });
  const { stdout } = await scan({ Results: [os(['HIGH', 'LOW', 'LOW'])] }, { VMKILN_FAIL_ON: 'critical' });
  expect(stdout).toBe('known vulnerabilities: 1 high, 2 low\n');
  expect(JSON.parse(readFileSync(join(folder, 'vulnerabilities.json'), 'utf8'))).toMatchObject({
    scanner: 'trivy',
    counts: { critical: 0, high: 1, low: 2 },
  });
  // trivy has a word of its own for it.
  expect(readFileSync(seen, 'utf8')).toContain('"redhat"');
  await expect(scan({ Results: [os(['HIGH'])] }, { VMKILN_FAIL_ON: 'medium' })).rejects.toThrow(/1 high/);
  await expect(scan({})).rejects.toThrow('does not know this system');
  const grype = { VMKILN_SCANNER: 'grype' };
  const match = { vulnerability: { severity: 'Negligible' } };
  expect((await scan({ distro: { name: 'rhel' }, matches: [match] }, grype)).stdout).toContain('1 negligible');
  expect((await scan({ distro: { name: 'rhel' }, matches: [] }, grype)).stdout).toContain('none');
  await expect(scan({ distro: { name: '' }, matches: [] }, grype)).rejects.toThrow('does not know this system');
  await expect(scan({}, { VMKILN_FAIL_ON: 'severe' })).rejects.toThrow('VMKILN_FAIL_ON is "severe"');
}, 60_000);
