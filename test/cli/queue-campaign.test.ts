import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { fakeHost } from '../support/fake-tools.ts';
import { ends, factoryOf, family, lease, running, signal, stop } from '../support/queue-factory.ts';
import { postgresServer, redisServer } from '../support/queue-server.ts';
import { kernelNetworks, proxiedNetworks } from '../support/worker-networks.ts';

// Workers of a queue that are killed, frozen and cut off, on real servers: what is published, and what is left.

/** Numbers that look like chance, the same for the same seed. */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** What happens in a campaign: it takes its time, and leaves all as it was. */
type Fault = 'kill a worker' | 'freeze a worker' | 'cut the network' | 'restart the server' | 'kill the server';
const faults: readonly Fault[] = [
  ...(['kill a worker', 'freeze a worker', 'cut the network', 'restart the server', 'kill the server'] as const),
];

/** Images of a campaign that a person starts: 60 are meant. */
const asked = process.env['VMKILN_QUEUE_JOBS'];
/** Whether each worker is in a network namespace of its own, which is cut more often then. */
const isKernel = process.env['VMKILN_QUEUE_NETNS'] !== undefined;
const more: readonly Fault[] = isKernel
  ? [...faults, ...Array.from({ length: 6 }, () => 'cut the network' as const)]
  : faults;

test.each([
  ['Redis', redisServer, 10],
  ['PostgreSQL', postgresServer, 5],
])(
  'workers that are killed, frozen and cut off, a server that restarts or is killed, on %s: every image is published once, and nothing is left',
  async (_, serve, few) => {
    const count = Number(asked ?? few);
    const seed = Number(process.env['VMKILN_QUEUE_SEED'] ?? Math.floor(Math.random() * 1e6));
    const random = chance(seed);
    const kernel = isKernel ? kernelNetworks(3) : undefined;
    if (kernel) ends.push(kernel.remove);
    const server = await serve(kernel ? { address: kernel.address } : {});
    ends.push(server.stop);
    const { networks, remove } = kernel ?? (await proxiedNetworks(3, server.port));
    if (!kernel) ends.push(remove);
    const host = fakeHost();
    const names = Array.from({ length: count }, (_each, index) => `i${index}`);
    for (const name of names) host.recipe(name, `packages: [cloud-init, ${name}]`);
    writeFileSync(join(host.folder, 'factory.yaml'), "name: f\nrecipes: ['i*.yaml']\n");
    const { run, worker, jobs, settled, said } = factoryOf(host, server.url);
    const index = join(host.folder, 'images/index.json');
    const seen = new Map<string, { contents: Set<string>; serials: Set<string> }>();
    const look = setInterval(() => {
      if (!existsSync(index)) return;
      for (const { file, sha256, serial } of (
        JSON.parse(readFileSync(index, 'utf8')) as { images: { file: string; sha256: string; serial: string }[] }
      ).images) {
        const known = seen.get(file) ?? { contents: new Set(), serials: new Set() };
        seen.set(file, known);
        known.contents.add(sha256);
        known.serials.add(serial);
      }
    }, 50);
    ends.push(() => clearInterval(look));
    const night = (await run('enqueue')).stdout.trim();
    const hosts = networks.map((network, number) => {
      const home = join(host.folder, `home-${number}`);
      mkdirSync(home);
      // A host's programs do not know of another one's.
      return { ...network, env: { VMKILN_HOME: home, FAKE_LOG: `${host.env['FAKE_LOG']}-${number}` } };
    });
    const workers: ChildProcess[] = [];
    const begin = (at: number) => {
      const one = worker(hosts[at]?.env, at === 0 ? ['--nights'] : [], hosts[at]);
      workers[at] = one;
      // As systemd does: one that finds no server when it begins ends.
      one.once('exit', (status) => void (status === 1 && workers[at] === one && begin(at)));
    };
    for (const at of hosts.keys()) begin(at);
    const happened = new Map<Fault, number>();
    const restart = async (end: () => Promise<void>) => {
      await end();
      await server.start();
    };
    const happen = async (fault: Fault) => {
      const at = Math.floor(random() * workers.length);
      const [victim, network] = [workers[at], hosts[at]];
      happened.set(fault, (happened.get(fault) ?? 0) + 1);
      if (fault === 'kill a worker') {
        victim?.kill('SIGKILL');
        begin(at);
      } else if (fault === 'freeze a worker' && victim?.pid !== undefined) {
        const frozen = family(victim.pid);
        signal(frozen, 'SIGSTOP');
        await sleep((lease + 2) * 1000);
        signal(frozen, 'SIGCONT');
      } else if (fault === 'cut the network') {
        network?.cut(random());
        // For shorter than the lease or for longer, and the server may be another one afterwards.
        await sleep((random() < 0.4 ? lease * random() : lease + 1 + 10 * random()) * 1000);
        if (random() < 0.3) await restart(server.stop);
        network?.mend();
      } else {
        await restart(fault === 'kill the server' ? server.kill : server.stop);
      }
    };
    const isOver = async () => {
      const all = await jobs();
      return all.every(({ state }) => ['completed', 'failed'].includes(state));
    };
    // Each of them once, and then in every second round one by chance.
    for (let round = 0; !(await isOver()); round++) {
      await sleep(1500);
      const next = faults[round] ?? (round % 2 === 0 ? undefined : more[Math.floor(random() * more.length)]);
      if (next) await happen(next);
    }
    const all = await settled();
    // One is cut off when it is told to stop.
    hosts.at(-1)?.cut(random());
    for (const each of workers) expect(await stop(each)).toBe(0);
    clearInterval(look);
    if (asked !== undefined) console.log(JSON.stringify({ seed, count, happened: Object.fromEntries(happened) }));
    const failed = all.filter(({ state }) => state === 'failed');
    expect({ seed, failed, said: failed.length > 0 ? said.join('') : '' }).toEqual({ seed, failed: [], said: '' });
    expect([...seen.keys()].toSorted()).toEqual(names.map((name) => `${name}.qcow2`).toSorted());
    const serial = night.slice('f-'.length);
    for (const [file, { contents, serials }] of seen) {
      expect({ seed, file, contents: contents.size, serials: [...serials] }).toEqual({
        ...{ seed, file, contents: 1, serials: [serial] },
      });
    }
    expect(said.join('')).toContain(`f: ${count} built`);
    expect(said.join('')).not.toContain('unexpected error');
    const work = hosts.flatMap(({ env }) => readdirSync(join(env.VMKILN_HOME, 'cache/work')));
    expect({ seed, running: running(host), work }).toEqual({ seed, running: [], work: [] });
  },
  // A worker that never ends must not take the time of all the other tests.
  asked === undefined ? 300_000 : 3_600_000,
);

test('beside it: a plain worker of BullMQ that is frozen past its lease runs its work twice', async () => {
  const server = await redisServer();
  ends.push(server.stop);
  const script = `
    const { Worker } = await import('bullmq');
    const options = { connection: { port: ${server.port}, maxRetriesPerRequest: null }, lockDuration: 1000, stalledInterval: 500 };
    const worker = new Worker('plain', async () => {
      console.log('begins');
      await new Promise((go) => setTimeout(go, 1000));
      console.log('side effect');
    }, options);
    worker.on('error', () => {});`;
  let said = '';
  const start = () => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script]);
    child.stdout.on('data', (text) => (said += String(text)));
    ends.push(() => child.kill('SIGKILL'));
    return child;
  };
  const { Queue } = await import('bullmq');
  const queue = new Queue('plain', { connection: { port: server.port } });
  await queue.add('job', {});
  const first = start();
  await expect.poll(() => said, { timeout: 20_000 }).toContain('begins');
  first.kill('SIGSTOP');
  start();
  await expect.poll(() => said, { timeout: 20_000 }).toContain('side effect');
  first.kill('SIGCONT');
  await expect.poll(() => said.split('side effect').length - 1, { timeout: 20_000 }).toBe(2);
  await queue.close();
}, 60_000);
