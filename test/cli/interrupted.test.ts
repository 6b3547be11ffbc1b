import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type FakeGlance, startFakeGlance } from '../support/cloud/fake-glance.ts';

let cloud: FakeGlance;
const folder = mkdtempSync(join(tmpdir(), 'vmkiln-interrupted-'));
const image = join(folder, 'x.raw');
const recipe = join(folder, 'rhel7.yaml');

beforeAll(async () => {
  cloud = await startFakeGlance();
  writeFileSync(image, Buffer.alloc(4096, 1));
  const [above] = readFileSync('recipes/rhel7.yaml', 'utf8').split('\nupload:');
  writeFileSync(recipe, `${above}\nupload:\n  - glance: {}\n`);
});
afterAll(() => cloud.close());

/** Runs a command until the cloud, which accepts the request and never answers it, was asked; then interrupts it. */
async function interrupt(request: RegExp, ...args: string[]) {
  cloud.forget();
  cloud.seen.length = 0;
  cloud.once(request, () => true);
  const secrets = { RHSM_USERNAME: 'engineer', RHSM_PASSWORD: 'none' };
  const env = { PATH: process.env['PATH'], HOME: folder, VMKILN_HOME: join(folder, 'home'), ...secrets, ...cloud.env };
  const child = spawn(process.execPath, ['dist/cli.js', ...args], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (chunk) => (stderr += String(chunk)));
  const ended = once(child, 'close').then(([status]) => status as unknown);
  const isAsked = () => {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${stderr}`);
    return cloud.seen.some((line) => request.test(line));
  };
  await expect.poll(isAsked, { timeout: 30_000 }).toBe(true);
  const before = performance.now();
  child.kill('SIGINT');
  const status = await ended;
  return { status, seconds: (performance.now() - before) / 1000, stderr };
}

const commands: Record<string, string[]> = {
  'upload --dry-run': ['upload', image, '--to', 'envvars', '--dry-run'],
  'the check of targets before a build': ['build', recipe, '--set', 'iso=/none.iso', '--ui', 'plain'],
};
const moments = { 'logs in': /auth.tokens/, 'asks for images or methods': /^GET .v2.(images|info)/ };
const cases = Object.keys(commands).flatMap((name) =>
  Object.entries(moments).map((moment) => [name, ...moment] as const),
);

test.each(cases)('Ctrl-C ends %s at once while it %s, whatever the cloud does', async (name, _, request) => {
  const { status, seconds, stderr } = await interrupt(request, ...(commands[name] ?? []));
  expect(status, stderr).toBe(130);
  expect(seconds).toBeLessThan(5);
});
