import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestProject } from 'vitest/node';

/** The servers of test/support/cloud/cloud.py: addresses, and where their files are. */
export type CloudServers = {
  folder: string;
  /** Path of a clouds.yaml with `test` (RegionOne), `two` (RegionTwo) and `admin`. */
  clouds: string;
  password: string;
  keystone: string;
  barbican: string;
  /** Glance of RegionOne: plain. */
  one: string;
  /** Glance of RegionTwo: converts to raw, injects a property, takes 64 MiB. */
  two: string;
};

declare module 'vitest' {
  export interface ProvidedContext {
    cloud: CloudServers;
  }
}

/**
 * Starts the servers before the first test, and ends them after the last one, with everything they wrote. While one
 * works on a test: what a `cloud.py` that already runs has printed can be given as a file in VMKILN_TEST_CLOUD.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const running = process.env['VMKILN_TEST_CLOUD'];
  if (running) {
    project.provide('cloud', JSON.parse(readFileSync(running, 'utf8')) as CloudServers);
    return () => Promise.resolve();
  }
  const folder = mkdtempSync(join(tmpdir(), 'vmkiln-cloud-'));
  const script = join(import.meta.dirname, 'cloud.py');
  const child = spawn('/usr/bin/python3', [script, folder], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout });
  const ended = once(child, 'exit');
  const first = await Promise.race([once(lines, 'line').then(([line]) => String(line)), ended.then(() => undefined)]);
  if (first === undefined) throw new Error(`the servers did not start: see the logs in ${folder}`);
  project.provide('cloud', JSON.parse(first) as CloudServers);
  return async () => {
    child.stdin.end();
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
}
