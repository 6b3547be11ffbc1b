import { createHash, randomBytes } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import { readCloud } from '../../../src/openstack/clouds-yaml.ts';
import { type Image, listImages } from '../../../src/openstack/image-api.ts';
import { openSession, type CloudSession } from '../../../src/openstack/keystone.ts';
import { type GlancePlace, glanceSchema } from '../../../src/targets/glance/recipe.ts';
import { serialNow } from '../../../src/targets/serial.ts';
import type { ImageToPublish, TargetContext } from '../../../src/targets/target.ts';
import { exec } from '../../../src/tools/exec.ts';

export const signal = new AbortController().signal;
// Every request listens.
setMaxListeners(0, signal);

/** A name that no other test has. */
export function fresh(name: string): string {
  return `${name}-${randomBytes(4).toString('hex')}`;
}

/** Makes the clouds of the test servers those of this process, as `vmkiln` and `openstack` would find them. */
export function useClouds(): string {
  const { clouds } = inject('cloud');
  process.env['OS_CLIENT_CONFIG_FILE'] = clouds;
  return clouds;
}

export async function sessionOf(cloud: string): Promise<CloudSession> {
  return openSession(
    await readCloud({ cloud, env: { OS_CLIENT_CONFIG_FILE: useClouds() }, cwd: tmpdir() }),
    process.env,
  );
}

/** Runs Debian's `openstack` client and reads its JSON. */
export async function openstack<T>(cloud: string, ...args: string[]): Promise<T> {
  const { stdout } = await exec({
    program: '/usr/bin/openstack',
    args: ['--os-cloud', cloud, ...args, ...(args.at(-1) === 'json' ? [] : ['-f', 'json'])],
    env: { OS_CLIENT_CONFIG_FILE: useClouds(), PYTHONWARNINGS: 'ignore' },
    timeout: 60,
    signal,
  });
  return JSON.parse(stdout) as T;
}

/** A qcow2 whose guest sees `content` bytes at random and a disk of 1 MiB. Each one is newer than the one before. */
export async function makeImage(changes: Partial<ImageToPublish> = {}): Promise<ImageToPublish> {
  const serial = serialNow();
  const folder = mkdtempSync(join(tmpdir(), 'vmkiln-image-'));
  const raw = join(folder, 'disk.raw');
  writeFileSync(raw, Buffer.concat([randomBytes(300_000), Buffer.alloc(2 ** 20 - 300_000)]));
  const path = join(folder, 'disk.qcow2');
  await exec({ program: 'qemu-img', args: ['convert', '-O', 'qcow2', raw, path], timeout: 30, signal });
  const data = readFileSync(path);
  const [sha256, sha512] = ['sha256', 'sha512'].map((each) => createHash(each).update(data).digest('hex'));
  const name = fresh('image');
  const content = { path, name, format: 'qcow2' as const, sha256: sha256 ?? '', sha512, size: data.length };
  return { ...content, build: 'b1', serial, rehearsal: false, ...changes };
}

/** A `glance` target as a recipe would give it. */
export function place(cloud: string, keys: object = {}): GlancePlace {
  return { ...glanceSchema.parse(keys), cloud };
}

/** A context that keeps what is said. */
export function context(stop: AbortSignal = signal): TargetContext & { said: string[]; notes: string[] } {
  const folder = mkdtempSync(join(tmpdir(), 'vmkiln-work-'));
  const said: string[] = [];
  const notes: string[] = [];
  return {
    said,
    notes,
    signal: stop,
    env: process.env,
    cwd: process.cwd(),
    progress: (message) => void said.push(message),
    note: (message) => void notes.push(message),
    work: (file) => join(folder, file),
    exec: (command) => exec({ ...command, signal: stop }),
  };
}

/** Writes a clouds.yaml of these clouds besides the test servers' own, and returns its path. */
export function cloudsFile(more: Readonly<Record<string, object>>): string {
  const { clouds } = JSON.parse(readFileSync(inject('cloud').clouds, 'utf8')) as { clouds: Record<string, object> };
  const file = join(mkdtempSync(join(tmpdir(), 'vmkiln-clouds-')), 'clouds.yaml');
  writeFileSync(file, JSON.stringify({ clouds: { ...clouds, ...more } }));
  return file;
}

/** A cloud whose image service is reached through `url`; adds it to a clouds.yaml of its own and uses that. */
export async function cloudThrough(url: string, from = 'test'): Promise<string> {
  const { clouds } = JSON.parse(readFileSync(inject('cloud').clouds, 'utf8')) as { clouds: Record<string, object> };
  const file = join(mkdtempSync(join(tmpdir(), 'vmkiln-clouds-')), 'clouds.yaml');
  const proxied = { ...clouds[from], image_endpoint_override: url };
  writeFileSync(file, JSON.stringify({ clouds: { ...clouds, proxied } }));
  process.env['OS_CLIENT_CONFIG_FILE'] = file;
  return 'proxied';
}

/** All images of a name, hidden ones too. */
export async function imagesCalled(session: CloudSession, name: string): Promise<Image[]> {
  const lists = ['false', 'true'].map((hidden) =>
    listImages(
      session,
      [
        ['name', name],
        ['os_hidden', hidden],
      ],
      { signal },
    ),
  );
  return (await Promise.all(lists)).flat();
}
