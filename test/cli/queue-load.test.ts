import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { queueAddress } from '../../src/factory/queue-address.ts';
import { jobOptions } from '../../src/factory/queue-jobs.ts';
import { openQueues } from '../../src/factory/queue-store.ts';
import { ends } from '../support/queue-factory.ts';
import { postgresServer, redisServer } from '../support/queue-server.ts';

// What a large factory costs its server: for figures, not for CI. VMKILN_QUEUE_LOAD=redis or postgres.

const store = process.env['VMKILN_QUEUE_LOAD'];
const [recipes, workers] = [1000, Number(process.env['VMKILN_QUEUE_WORKERS'] ?? 100)];

/** Seconds of processor time, and bytes of memory that are its own, of a process and of those below it. */
function costOf(port: number): { seconds: number; bytes: number } {
  const pids = execFileSync('sh', ['-c', `ss -Hltnp 'sport = :${port}' | grep -o 'pid=[0-9]*' | cut -d= -f2`], {
    encoding: 'utf8',
  });
  const [first = ''] = pids.split('\n');
  const below = execFileSync('sh', ['-c', `echo ${first}; pgrep -P ${first} || true`], { encoding: 'utf8' });
  let [seconds, bytes] = [0, 0];
  for (const pid of below.trim().split('\n')) {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    seconds += (Number(fields[11]) + Number(fields[12])) / 100;
    const [, own = '0'] = /^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')) ?? [];
    bytes += Number(own) * 1024;
  }
  return { seconds, bytes };
}

const quantile = (all: readonly number[], part: number) =>
  Math.round(all.toSorted((a, b) => a - b)[Math.floor((all.length - 1) * part)] ?? 0);

test('a thousand idle recipes and a hundred workers', async () => {
  const server = await (store === 'redis' ? redisServer() : postgresServer({ settings: ['max_connections=1000'] }));
  ends.push(server.stop);
  const figures: Record<string, unknown> = { store, recipes, workers };
  const address = queueAddress({ queue: server.url }, {});
  const said = new Set<string>();
  const open = () => openQueues(address, ({ message }) => said.add(message), new AbortController().signal);
  const empty = costOf(server.port);
  const began = new Map<string, number>();
  const hosts = [];
  for (let at = 0; at < workers; at++) {
    const host = await open();
    hosts.push(host);
    const lease = { lockDuration: 60_000, lockRenewTime: 15_000, stalledInterval: 60_000 };
    host.worker('load/build', async (job) => void began.set(job.id ?? '', performance.now()), lease);
  }
  await sleep(3000);
  const before = costOf(server.port);
  await sleep(30_000);
  const after = costOf(server.port);
  figures['memoryOfIdleWorkers'] = before.bytes - empty.bytes;
  const count = `ss -Htn state established 'sport = :${server.port}' | wc -l`;
  figures['connections'] = Number(execFileSync('sh', ['-c', count], { encoding: 'utf8' }));
  figures['idleServerLoad'] = (after.seconds - before.seconds) / 30;
  const own = await open();
  const queue = own.queue('load/build');
  // One job at a time, as schedules bring them.
  const latencies: number[] = [];
  for (let at = 0; at < 200; at++) {
    const id = `one-${at}`;
    const put = performance.now();
    await queue.add('build', { image: id }, { ...jobOptions, jobId: id });
    while (!began.has(id)) await sleep(1);
    latencies.push((began.get(id) ?? 0) - put);
  }
  figures['latency'] = { median: quantile(latencies, 0.5), p99: quantile(latencies, 0.99) };
  await queue.pause();
  const full = costOf(server.port);
  const data = { image: 'x'.repeat(20), serial: '20261128-082558-ab12', renewMedia: false };
  const ids = Array.from({ length: recipes }, (_, at) => `night-20261128-082558-ab12.${at}`);
  await Promise.all(ids.map((jobId) => queue.add('build', data, { ...jobOptions, jobId, keepLogs: 2000 })));
  figures['memoryOfThousandJobs'] = costOf(server.port).bytes - full.bytes;
  const start = { at: performance.now(), cost: costOf(server.port) };
  for (let round = 0; round < 5; round++) await Promise.all(ids.map((id) => queue.getJob(id)));
  figures['poll'] = {
    milliseconds: Math.round((performance.now() - start.at) / 5),
    serverSeconds: (costOf(server.port).seconds - start.cost.seconds) / 5,
  };
  await queue.resume();
  const drained = performance.now();
  while (began.size < 200 + recipes) await sleep(20);
  figures['thousandJobsTaken'] = Math.round(performance.now() - drained);
  await Promise.all([...hosts, own].map((host) => host.close()));

  console.log(JSON.stringify(figures));
  expect([...said]).toEqual([]);
}, 1_800_000);
