import { spawn } from 'node:child_process';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import type { ChannelImage, ChannelState } from '../../src/targets/channel-place.ts';
import { folderChannels } from '../../src/targets/directory/channels.ts';
import type { Plan } from '../../src/model.ts';
import { capturedBytes } from '../support/captured-images.ts';
import { fakeHost } from '../support/fake-tools.ts';
import { publishContent } from '../support/publish-image.ts';
import { vmkiln } from '../support/vmkiln.ts';

type Published = Parameters<typeof publishContent> extends [string, ...infer Rest] ? Rest : never;

const signal = new AbortController().signal;
const signer = generateKeyPairSync('ed25519');
const sha256Of = (data: string | Buffer) => createHash('sha256').update(data).digest('hex');

let cwd: string;
let images: string;
let pub: string;

beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'vmkiln-channels-'));
  images = join(cwd, 'images');
  pub = join(cwd, 'signer.pub');
  writeFileSync(pub, signer.publicKey.export({ type: 'spki', format: 'pem' }));
});

const publish = (...about: Published) => publishContent(cwd, ...about);

const run = (...args: string[]) => vmkiln(args, { cwd });
const ok = async (...args: string[]) => {
  const { status, stdout, stderr } = await run(...args, '--json');
  expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
  return JSON.parse(stdout) as ChannelState & { end: string; channels: ChannelState[]; revoked: { sha256: string }[] };
};
const refused = async (...args: string[]) => {
  const { status, stderr } = await run(...args);
  return `${status} ${stderr}`;
};
const resolved = async (channel: string) => {
  const { stdout } = await run('channels', '--resolve', channel, '--json');
  const { location, sha256 } = JSON.parse(stdout) as ChannelImage;
  expect(sha256Of(readFileSync(location))).toBe(sha256);
  return sha256;
};

test('what was promoted stays what it is, whatever is published later, until somebody goes back or revokes it', async () => {
  const one = await publish('one');
  expect(await ok('promote', 'images/rhel9.raw', '--to', 'prod')).toMatchObject({ end: 'reached', generation: 1 });
  const two = await publish('two', { base: one });
  // Of a promotion that was killed.
  writeFileSync(join(images, '.rhel9.channel-1.partial'), '');
  expect(await resolved('prod')).toBe(one);
  expect(await ok('promote', 'rhel9', '--to', 'prod')).toMatchObject({ generation: 2, image: { sha256: two } });
  expect(await ok('promote', 'rhel9', '--to', 'prod')).toMatchObject({ end: 'unchanged', generation: 2 });
  expect(existsSync(join(images, '.rhel9.channel-1.partial'))).toBe(false);
  const three = await publish('three', { base: two });
  await ok('promote', 'rhel9', '--to', 'staging');
  expect(await ok('rollback', 'prod')).toMatchObject({ generation: 3, image: { sha256: one }, earlier: [] });
  expect(await refused('rollback', 'prod')).toMatch(/^2 .*prod has no image that it could go back to/s);

  // What it left can be promoted again, by the file that is kept of it.
  await ok('promote', `images/rhel9.${two.slice(0, 12)}.raw`, '--to', 'prod');
  const told = await ok('revoke', `images/rhel9.${two.slice(0, 12)}.raw`);
  expect(new Set(told.revoked.map(({ sha256 }) => sha256))).toEqual(new Set([two, three]));
  expect(told.channels.map(({ channel, image }) => [channel, image?.sha256])).toEqual([
    ['prod', one],
    ['staging', undefined],
  ]);
  expect(await refused('channels', '--resolve', 'staging')).toMatch(/^2 .*staging in .* has no image/s);
  expect(await refused('promote', 'rhel9', '--to', 'prod')).toMatch(/^2 .*is revoked/s);
  await publish('four', { base: two });
  expect(await refused('promote', 'rhel9', '--to', 'prod')).toMatch(/^2 .*was built on .*, which is revoked/s);
  const { stdout } = await run('channels');
  expect(stdout).toMatch(/^CHANNEL +GENERATION +IMAGE.*\nprod +5 +rhel9\.\w+\.raw +rhel9-one .*\nstaging +1 +- .*\n$/);
}, 120_000);

test('what is refused says why, and changes nothing', async () => {
  await publish('mute', null);
  expect(await refused('promote', 'rhel9', '--to', 'prod')).toMatch(/^1 .*statements-missing: .*next: .*verify/s);
  await publish('asleep', { passed: undefined });
  expect(await refused('promote', 'rhel9', '--to', 'prod')).toMatch(/^1 .*not-tested: .*next: .*verify: true/s);
  await publish('drowsy', { results: [{ check: 'leftovers', outcome: 'passed', message: '' }] });
  expect(await refused('promote', 'rhel9', '--to', 'prod')).toMatch(/^1 .*not-booted: .*next: .*--allow-unbooted/s);
  await ok('promote', 'rhel9', '--to', 'drowsy', '--allow-unbooted');
  await ok('revoke', 'rhel9');
  await publish('ill', { passed: false });
  expect(await refused('promote', 'rhel9', '--to', 'prod')).toMatch(/^1 .*test-failed: /s);
  await publish('unsigned');
  expect(await refused('promote', 'rhel9', '--to', 'prod', '--key', pub)).toMatch(/^1 .*not-signed: /s);
  await publish('forged', { key: generateKeyPairSync('ed25519').privateKey });
  const env = { VMKILN_PROMOTE_KEY: pub };
  const { status, stderr } = await vmkiln(['promote', 'rhel9', '--to', 'prod'], { cwd, env });
  expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringContaining('signature-invalid: ') as string });
  expect(await refused('promote', 'fedora', '--to', 'prod')).toMatch(/^2 .*no image fedora/s);
  expect(await refused('promote', 'rhel9', '--to', 'Prod')).toMatch(/^2 .*cannot be the name of a channel/s);
  expect(await refused('promote', 'rhel9')).toMatch(/^2 .*--to/s);
  expect(await refused('rollback', 'prod')).toMatch(/^2 .*there is no channel prod/s);
  expect(await refused('channels', '--in', 'nowhere/')).toMatch(/^2 .*there is no folder/s);
  expect(await refused('channels', '--in', 'images')).toMatch(
    /^2 .*no cloud.*\n {2}next: for the folder write --in images\/; /s,
  );
  expect(await refused('revoke', 'drowsy')).toMatch(
    /^2 .*no image drowsy\n.*vmkiln channels --resolve drowsy names its/s,
  );
  expect(JSON.parse(readFileSync(join(images, 'index.json'), 'utf8'))).not.toHaveProperty('channels.prod');

  await publish('signed', { key: signer.privateKey });
  expect(await ok('promote', 'rhel9', '--to', 'prod', '--key', pub)).toMatchObject({
    image: { signedBy: expect.stringMatching(/^[0-9a-f]{64}$/) as string },
  });
  await publish('later', { key: signer.privateKey }, 'other');
  await ok('promote', 'other', '--to', 'prod', '--key', pub);
  expect(await refused('promote', 'rhel9', '--to', 'prod', '--key', pub)).toMatch(/^2 .*prod has a newer image/s);
  await ok('promote', 'rhel9', '--to', 'prod', '--key', pub, '--older');
  expect(await refused('promote', 'other', '--to', 'prod')).toMatch(/^2 .*the images of prod are signed/s);
  appendFileSync(join(images, 'other.raw'), 'booted');
  expect(await refused('promote', 'other', '--to', 'new', '--key', pub)).toMatch(
    /^1 .*not what it was when it was published/s,
  );
  const file = readdirSync(images).find((name) => /^rhel9\.\w{12}\.raw$/.test(name)) ?? '';
  rmSync(join(images, file));
  expect(await refused('channels', '--resolve', 'prod')).toMatch(
    /^2 .*is gone, or was changed since.*next: vmkiln rollback prod/s,
  );
  expect(await ok('rollback', 'prod')).toMatchObject({ image: { name: 'other' } });
}, 120_000);

test('a kept copy is read before it is promoted, and made anew where it is damaged', async () => {
  const sha256 = await publish('sound');
  await ok('promote', 'rhel9', '--to', 'staging');
  const copy = join(images, `rhel9.${sha256.slice(0, 12)}.raw`);
  const { atime, mtime } = statSync(copy);
  const damage = () => {
    chmodSync(copy, 0o644);
    writeFileSync(copy, 'souls');
    utimesSync(copy, atime, mtime);
  };
  damage();
  // Of the copy itself there is no other.
  expect(await refused('promote', copy, '--to', 'prod')).toMatch(/^1 .*not what it was when it was published/s);
  await ok('promote', 'rhel9', '--to', 'prod');
  expect([await resolved('prod'), await resolved('staging')]).toEqual([sha256, sha256]);
}, 60_000);

test('a recipe that starts from a channel is built anew when the channel moves', async () => {
  const { env, folder } = fakeHost();
  // The image is looked into by the real one.
  rmSync(join(folder, 'bin/qemu-img'));
  const recipe = (source: string) => {
    writeFileSync(
      join(cwd, 'app.yaml'),
      `name: app\nfamily: debian\nrelease: "12"\npackages: [cloud-init]\nsource: ${source}\n`,
    );
    return 'app.yaml';
  };
  const plan = async (source: string) => {
    const { status, stdout, stderr } = await vmkiln(
      ['plan', recipe(source), '--connect', 'qemu:///session', '--json'],
      { cwd, env },
    );
    if (status !== 0) throw new Error(`${status} ${stderr}`);
    const { media, stages } = JSON.parse(stdout) as Plan;
    const { path, sha256 } = media['image'] ?? { path: '', sha256: '' };
    return { path, sha256, fingerprints: stages.map(({ fingerprint }) => fingerprint) };
  };
  const base = (text: string) =>
    publish(Buffer.concat([capturedBytes('v2.qcow2'), Buffer.from(text)]), {}, 'base', 'qcow2');
  const one = await base('one');
  await expect(plan('{ channel: base }')).rejects.toThrow('there is no channel base');
  await ok('promote', 'base', '--to', 'base');
  const before = await plan('{ channel: base }');
  expect(before).toMatchObject({ path: join(images, `base.${one.slice(0, 12)}.qcow2`), sha256: one });
  // What is published is nothing to it.
  const two = await base('two');
  expect(await plan('{ channel: base, in: ./images }')).toEqual(before);
  await ok('promote', 'base', '--to', 'base');
  const after = await plan('{ channel: base }');
  expect(after.sha256).toBe(two);
  expect(after.fingerprints.filter((each) => each !== undefined && before.fingerprints.includes(each))).toEqual([]);
  await expect(plan(`{ channel: base, sha256: "${one}" }`)).rejects.toThrow('expected no sha256 with channel');
  await expect(plan('{ image: x.qcow2, in: ./images }')).rejects.toThrow('expected in with channel only');
  await expect(plan('{ keep: [] }')).rejects.toThrow('expected either image, or the channel of one');
}, 120_000);

/** Asks for the image of a channel until its input ends, and reads the file that it is told. */
const poller = `
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { folderChannels } from ${JSON.stringify(join(process.cwd(), 'dist/targets/directory/channels.js'))};
const place = folderChannels(process.argv[2], { signal: new AbortController().signal, progress() {} });
let [polls, over] = [0, false];
const seen = new Set();
process.stdin.resume().on('end', () => (over = true));
while (!over) {
  const { location, sha256, generation } = await place.resolve('prod');
  if (createHash('sha256').update(readFileSync(location)).digest('hex') !== sha256) throw new Error('not the image');
  seen.add(sha256), polls++;
  await new Promise((resolve) => setImmediate(resolve));
}
console.log(JSON.stringify({ polls, seen: [...seen] }));
`;

test('whoever asks during a thousand promotions and rollbacks always finds one image, and it is whole', async () => {
  const digests: string[] = [];
  for (const text of ['one', 'two', 'three', 'four']) digests.push(await publish(text, {}, text));
  const place = folderChannels(images, { signal, progress: () => undefined });
  const candidates = await Promise.all(['one', 'two', 'three', 'four'].map((name) => place.find(name)));
  const promotion = { channel: 'prod', older: true, media: [] };
  const promote = async (at: number) => {
    const candidate = candidates[at % 4];
    return candidate && place.promote(candidate, promotion);
  };
  await promote(0);
  const script = join(cwd, 'poller.mjs');
  writeFileSync(script, poller);
  const child = spawn(process.execPath, [script, images], { stdio: ['pipe', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (chunk) => (said += String(chunk)));
  const ended = once(child, 'close');
  const commands = { polls: 0, over: false };
  const byCommand = (async () => {
    for (; !commands.over; commands.polls++) expect(digests).toContain(await resolved('prod'));
  })();
  let changes = 0;
  let last = 1;
  for (let at = 0; changes < 1000; at++) {
    const { earlier, generation } = (await place.channels())[0] ?? { earlier: [], generation: 0 };
    expect(generation).toBeGreaterThanOrEqual(last);
    last = generation;
    if (at % 3 === 2 && earlier.length > 0) await place.rollback('prod');
    else await promote(at * 7 + Math.floor(at / 5));
    changes++;
  }
  last = (await place.channels())[0]?.generation ?? 0;
  const together = await Promise.all([0, 1, 2, 3, 0, 1].map(promote));
  const reached = together.filter((each) => each?.end === 'reached').length;
  expect((await place.channels())[0]?.generation).toBe(last + reached);
  commands.over = true;
  await byCommand;
  child.stdin.end();
  await ended;
  const { polls, seen } = JSON.parse(said) as { polls: number; seen: string[] };
  expect(polls).toBeGreaterThan(100);
  expect(commands.polls).toBeGreaterThan(3);
  expect(digests).toEqual(expect.arrayContaining(seen));
  expect(seen.length).toBeGreaterThan(2);
  // Each image was copied once, and nothing else lies there.
  const copies = readdirSync(images).filter((name) => /\.\w{12}\.raw$/.test(name));
  expect(copies).toHaveLength(4);
  expect(readdirSync(images).some((name) => name.startsWith('.'))).toBe(false);
  expect(existsSync(join(images, 'index.json'))).toBe(true);
}, 300_000);
