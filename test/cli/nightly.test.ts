import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { NightSummary } from '../../src/factory/summary.ts';
import { entrySummary } from '../support/factory-entry.ts';
import { type FactoryWorld, factoryWorld, rpmOf } from '../support/factory-world.ts';
import { fakeHost } from '../support/fake-tools.ts';
import { vmkiln } from '../support/vmkiln.ts';

// Nights by the command line, on a host whose tools do nothing, with a real repository and a real webhook.

const host = fakeHost();
let server: FactoryWorld;
const posted: { body: string; signature: unknown }[] = [];
const hook = createServer((request, response) => {
  let body = '';
  request.on('data', (chunk) => (body += String(chunk)));
  request.on('end', () => {
    posted.push({ body, signature: request.headers['x-vmkiln-signature-256'] });
    response.end();
  });
});

const run = (args: readonly string[], env: Record<string, string> = {}) =>
  vmkiln(['nightly', 'factory.yaml', ...args], { env: { ...host.env, ...env }, cwd: host.folder });
const night = async (args: readonly string[] = [], env: Record<string, string> = {}) => {
  const { status, stdout } = await run([...args, '--json'], env);
  return { status, summary: JSON.parse(stdout) as NightSummary };
};
/** How often programs ran that take a guest. */
const guests = () => ['virt-install', 'virt-customize', 'virt-sysprep'].map((program) => host.runs(program).count);

beforeAll(async () => {
  server = await factoryWorld();
  hook.listen(0, '127.0.0.1');
  await once(hook, 'listening');
  Object.assign(host.env, {
    VMKILN_WEBHOOK_URL: `http://127.0.0.1:${(hook.address() as AddressInfo).port}`,
    VMKILN_WEBHOOK_SECRET: 'shared',
  });
  for (const name of ['db', 'web']) {
    const text = readFileSync(host.recipe(name), 'utf8');
    const own = name === 'web' ? 'customize: [{ run: "true" }]\n' : '';
    writeFileSync(
      join(host.folder, `${name}.yaml`),
      `${text.replace('http://repository.example.com/', `${server.url}/r/`)}${own}`,
    );
  }
  writeFileSync(
    join(host.folder, 'factory.yaml'),
    "name: nightly\nrecipes: ['*.yaml']\nschedule: { cron: '0 2 * * *', timezone: Europe/Berlin }\n" +
      'limits: { room: 1M }\nretention: { builds: { keep: 2 } }\nreport: nights\nnotify: [{ run: webhook.mjs, when: change }]\n',
  );
  server.rpm('r', [rpmOf('bash', '4.2', { release: '1' }), rpmOf('other', '1')]);
});
afterAll(() => {
  server.close();
  hook.close();
});

test('the first night builds all: page, JUnit, one message with a signature', async () => {
  const plan = await run(['--dry-run']);
  expect(plan).toMatchObject({ status: 0, stdout: expect.stringMatching(/^nightly: 2 to build \(nothing was built/) });
  expect(guests()).toEqual([0, 0, 0]);
  const first = await run(['--junit', 'night.xml']);
  expect(first).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^nightly: 2 built \(\d+s\)\n\nbuilt\n {2}db \(/),
  });
  expect(readFileSync(join(host.folder, 'night.xml'), 'utf8')).toContain(
    '<testsuite name="nightly" tests="2" failures="0"',
  );
  const [page = ''] = readdirSync(join(host.folder, 'nights')).filter((name) => name.startsWith('nightly-'));
  const html = readFileSync(join(host.folder, 'nights', page), 'utf8');
  const [link = ''] = /db-\d{8}-\d{6}-[0-9a-f]{4}\.html/.exec(html) ?? [];
  expect(existsSync(join(host.folder, 'nights', link))).toBe(true);
  expect(posted).toHaveLength(1);
  const mac = createHmac('sha256', 'shared')
    .update(posted[0]?.body ?? '')
    .digest('hex');
  expect(posted[0]?.signature).toBe(`sha256=${mac}`);
  expect(JSON.parse(posted[0]?.body ?? '')).toMatchObject({ hook: 'afterNight', night: { outcome: 'done' } });
}, 120_000);

test('an idle night starts no tool of a guest and sends no message', async () => {
  const before = guests();
  const { stdout, status } = await run([]);
  expect([status, stdout]).toEqual([
    0,
    expect.stringMatching(/^nightly: 2 unchanged \(\d.*\)\n\nunchanged: db, web\n\npage: .*\n$/),
  ]);
  expect(guests()).toEqual(before);
  expect(posted).toHaveLength(1);
});

test('an update of a package that nobody has builds nothing; one that they have builds from customize, once', async () => {
  const packages = [rpmOf('bash', '4.2', { release: '1' }), rpmOf('other', '2')];
  server.rpm('r', packages);
  expect((await night()).summary.entries.map(({ outcome }) => outcome)).toEqual(['unchanged', 'unchanged']);
  server.rpm('r', [...packages, rpmOf('bash', '5.0', { release: '1' })]);
  const before = guests();
  const { status, summary } = await night([], { FAKE_BASH: '5.0' });
  expect(status).toBe(0);
  expect(entrySummary(summary, 'web')).toMatchObject({
    outcome: 'built',
    reasons: [{ kind: 'packages', text: 'bash 4.2-1 → 5.0-1' }],
    difference: 'packages: 1 upgraded',
  });
  // The layer that brings packages is the same for both.
  expect(guests().map((count, index) => count - (before[index] ?? 0))).toEqual([0, 1, 2]);
}, 120_000);

test('a night in which all fails names the cause once, and the next one tries again', async () => {
  server.rpm('r', [rpmOf('bash', '6.0', { release: '1' })]);
  const says = 'Error: Unable to find a match: no-such-package';
  const { status, stdout } = await run(['--junit', 'night.xml'], { FAKE_FAIL: '/customize.qcow2', FAKE_SAYS: says });
  expect(status).toBe(1);
  expect(stdout).toMatch(
    /^nightly: all 2 failed, for one reason \(\d.*\)\n\nfailed: no enabled repository has .*no-such-package\n {2}images: db \(customize\), web \(customize\)\n {2}next: correct the name.*\n {2}more: vmkiln explain db-/,
  );
  const xml = readFileSync(join(host.folder, 'night.xml'), 'utf8');
  expect(xml).toContain('failures="2"');
  expect(xml).toMatch(/<system-out>next: correct the name .*\nmore: vmkiln explain db-/);
  const { summary } = await night([], { FAKE_BASH: '6.0' });
  expect(summary.entries.map(({ outcome }) => outcome)).toEqual(['built', 'built']);
}, 120_000);

test('Ctrl-C ends a night: the summary is printed, nothing runs on', async () => {
  server.rpm('r', [rpmOf('bash', '7.0', { release: '1' })]);
  const words = ['nightly', 'factory.yaml', '--json', '--junit', 'stopped.xml'];
  const child = spawn(process.execPath, [resolve('dist/cli.js'), ...words], {
    cwd: host.folder,
    env: { ...process.env, ...host.env, FAKE_SECONDS: '30' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [out, err, stopped] = ['', '', false];
  child.stdout.on('data', (chunk) => (out += String(chunk)));
  child.stderr.on('data', (chunk) => {
    err += String(chunk);
    // A second one would not wait for the summary.
    if (!stopped && err.includes('$ virt-customize')) stopped = child.kill('SIGINT');
  });
  const [status] = await once(child, 'close');
  expect(status).toBe(130);
  const summary = JSON.parse(out) as NightSummary;
  expect(summary.outcome).toBe('interrupted');
  expect(summary.entries.map(({ outcome }) => outcome)).toEqual(['interrupted', 'interrupted']);
  // It has not failed.
  expect(readFileSync(join(host.folder, 'stopped.xml'), 'utf8')).toContain('tests="2" failures="0" skipped="2"');
  expect(readdirSync(join(host.folder, 'home/cache/work'))).toEqual([]);
}, 120_000);

test('install-timer writes units, and replaces none of somebody else', async () => {
  const timer = (args: readonly string[]) =>
    vmkiln(['factory', 'install-timer', 'factory.yaml', ...args], { env: host.env, cwd: host.folder });
  const printed = await timer(['--print']);
  expect(printed.stdout).toMatch(/^OnCalendar=\*-\*-\* 02:00:00 Europe\/Berlin$/m);
  expect(printed.stdout).toContain(`cli.js nightly ${host.folder}/factory.yaml\n`);
  const written = await timer(['--to', host.folder]);
  expect(written).toMatchObject({ status: 0, stderr: expect.stringContaining('enable --now vmkiln-nightly.timer') });
  expect((await timer(['--to', host.folder])).status).toBe(0);
  writeFileSync(join(host.folder, 'vmkiln-nightly.timer'), '[Timer]\n');
  expect(await timer(['--to', host.folder])).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('has not written it'),
  });
});

test('results that cannot be written are told before the night, and never in place of its summary', async () => {
  const before = guests();
  expect(await run(['--junit', 'no/such/folder.xml'])).toMatchObject({
    status: 2,
    stderr: expect.stringMatching(/cannot be written/),
  });
  expect(guests()).toEqual(before);
  // A disk that is full by then: nothing fits into this device.
  expect(await run(['--junit', '/dev/full'], { FAKE_BASH: '7.0' })).toMatchObject({
    ...{ status: 1, stdout: expect.stringMatching(/^nightly: 2 /), stderr: expect.stringMatching(/no space left/) },
  });
});

test('names and wrong factories are refused before anything begins', async () => {
  expect(await run(['weg'])).toMatchObject({ status: 2, stderr: expect.stringContaining('did you mean "web"?') });
  expect(await vmkiln(['nightly', 'no.yaml'], { env: host.env, cwd: host.folder })).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('no.yaml: there is no such file'),
  });
});
