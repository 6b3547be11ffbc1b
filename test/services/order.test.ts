import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, inject, test } from 'vitest';
import { listImages } from '../../src/openstack/image-api.ts';
import { serialOf } from '../../src/targets/glance/fence.ts';
import { higher, noSerial, type Serial, serialAt } from '../../src/targets/serial.ts';
import { cloudsFile, fresh, sessionOf, signal } from '../support/cloud/tools.ts';

/** How many images are published; a hundred take about three minutes. */
const publications = Number(process.env['VMKILN_PUBLICATIONS'] ?? 20);

/** A folder with images as a `directory` target has them, in a random order of their serials. */
function builds(name: string): { file: string; serial: Serial }[] {
  const folder = mkdtempSync(join(tmpdir(), 'vmkiln-builds-'));
  const made = Array.from({ length: publications }, (_, age) => {
    const [data, file] = [randomBytes(65536), `${age}.raw`];
    writeFileSync(join(folder, file), data);
    const sha256 = createHash('sha256').update(data).digest('hex');
    const about = { name, file, format: 'raw', size: data.length, sha256, build: '', rehearsal: false };
    return { ...about, createdAt: '', serial: serialAt(Date.UTC(2026, 0, 1, 0, age)) };
  });
  writeFileSync(join(folder, 'index.json'), JSON.stringify({ version: 1, images: made }));
  return made
    .map(({ file, serial }) => ({ at: Math.random(), file: join(folder, file), serial }))
    .toSorted((a, b) => a.at - b.at);
}

/** Publishes as a host of its own does, and returns what went wrong. `stop` makes it stand still for a while. */
async function publish(cloud: string, clouds: string, home: string, file: string, stop?: () => Promise<void>) {
  const env = { ...process.env, OS_CLIENT_CONFIG_FILE: clouds, VMKILN_HOME: home };
  const args = [resolve('dist/cli.js'), 'upload', file, '--to', cloud, '--replace', '--keep', '2'];
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk) => (said += String(chunk)));
  const ended = once(child, 'exit');
  if (stop) {
    await sleep(300 + Math.random() * 1500);
    child.kill('SIGSTOP');
    await stop();
    child.kill('SIGCONT');
  }
  const [status] = await ended;
  return status === 0 ? '' : said;
}

test('two hosts publish in any order, one of them stopped again and again: the newest is always seen', async () => {
  const name = fresh('order');
  const session = await sessionOf('test');
  const { clouds } = JSON.parse(readFileSync(inject('cloud').clouds, 'utf8')) as {
    clouds: { test: { auth: { auth_url: string } } };
  };
  // To this machine it is another cloud, whose uploads it does not make one after the other.
  const { test: one } = clouds;
  const file = cloudsFile({ other: { ...one, auth: { ...one.auth, auth_url: `${one.auth.auth_url}/` } } });
  const all = builds(name);
  const state = { done: 0, isOver: false };
  const host = async (cloud: string, stops: boolean) => {
    const home = mkdtempSync(join(tmpdir(), 'vmkiln-home-'));
    const failures: string[] = [];
    for (let next = all.pop(); next !== undefined; next = all.pop()) {
      // Until the other host has published once more, or has nothing left.
      const { done } = state;
      const other = async () => {
        for (let wait = 0; state.done === done && wait < 50; wait++) await sleep(100);
      };
      const failure = await publish(cloud, file, home, next.file, stops ? other : undefined);
      if (failure !== '' && !failure.includes('a newer image called')) failures.push(failure);
      state.done++;
    }
    return failures;
  };
  const newest = all.map(({ serial }) => serial).reduce(higher, noSerial);
  const watch = async () => {
    let best = noSerial;
    let polls = 0;
    for (; !state.isOver; polls++) {
      const seen = (await listImages(session, [['name', name]], { signal })).map(serialOf).reduce(higher, noSerial);
      expect(seen >= best, `${seen} is seen, and ${best} is gone`).toBe(true);
      best = seen;
    }
    return polls;
  };
  const hosts = Promise.all([host('test', false), host('other', true)]).finally(() => (state.isOver = true));
  const [polls, failures] = await Promise.all([watch(), hosts]);
  expect(failures.flat()).toEqual([]);
  expect(polls).toBeGreaterThan(publications);
  const left = await listImages(session, [['name', name]], { signal });
  expect(left.map(serialOf)).toEqual([newest]);
}, 1_200_000);
