import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, inject, test } from 'vitest';
import { exec } from '../../src/tools/exec.ts';
import { fresh, makeImage, openstack, signal } from '../support/cloud/tools.ts';
import { vmkiln as run } from '../support/vmkiln.ts';

const home = mkdtempSync(join(tmpdir(), 'vmkiln-home-'));
const environment = () => ({ OS_CLIENT_CONFIG_FILE: inject('cloud').clouds, OS_CLOUD: 'test', VMKILN_HOME: home });

async function vmkiln(...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await run(args, { env: environment(), timeout: 100 });
  expect({ args, status, stderr }).toMatchObject({ status: 0 });
  return stdout;
}

/** What Debian's `openstack` client prints. */
async function theirs(...args: string[]): Promise<string> {
  const env = { ...environment(), PYTHONWARNINGS: 'ignore' };
  return (await exec({ program: '/usr/bin/openstack', args, env, timeout: 60, signal })).stdout;
}

let path: string;
let sha256: string;
const tag = fresh('list');
const names = ['b', 'a', 'c', 'd'].map((letter) => `${letter}:${tag}`);
beforeAll(async () => {
  ({ path, sha256 } = await makeImage());
  const visibility = ['--private', '--community', '--shared', '--private'];
  for (const [index, name] of names.entries()) {
    const fields = [visibility[index] ?? '', '--tag', tag, '--tag', "it's", '--min-disk', String(index)];
    await vmkiln('upload', path, '--name', name, ...fields, ...(index > 1 ? ['--hidden'] : []));
  }
  const admin = ['--os-cloud', 'admin', '--name', `e:${tag}`, '--tag', tag];
  await vmkiln('upload', path, ...admin, '--community');
});

test.each([
  ['value'],
  ['csv', '--community'],
  ['json', '--public'],
  ['csv', '--hidden', '--private'],
  ['csv', '--long', ...columns('ID', 'Disk Format', 'Size', 'Checksum', 'Visibility', 'Protected', 'Project', 'Tags')],
  ['value', '--long', ...columns('Name', 'Container Format', 'Protected', 'Tags')],
  ['json', '--long', ...columns('Name', 'Size', 'Protected', 'Tags'), '--shared', '--sort', 'name:desc'],
])('image list -f %s %s prints what the openstack client prints', async (...words: string[]) => {
  const args = ['image', 'list', '--tag', tag, '-f', ...words];
  const [ours, others] = await Promise.all([vmkiln(...args), theirs(...args)]);
  if (words[0] === 'json') expect(JSON.parse(ours)).toEqual(JSON.parse(others));
  else expect(ours).toBe(others);
});

function columns(...those: string[]): string[] {
  return those.flatMap((name) => ['-c', name]);
}

test('of every visibility the openstack client lists the same, and --all has hidden ones too, in one order', async () => {
  const list = ['image', 'list', '--tag', tag, '-f', 'value', '-c', 'Name'];
  expect(await vmkiln(...list, '--visibility', 'all')).toBe(await theirs(...list, '--all'));
  expect(await vmkiln(...list, '--all', '--hidden')).toBe(await theirs(...list, '--all', '--hidden'));
  const all = async (...more: string[]) =>
    (await vmkiln(...list, '--all', ...more))
      .trim()
      .split('\n')
      .map((name) => name[0])
      .join('');
  expect(await all()).toBe('abcde');
  expect(await all('--sort', 'name:desc', '--limit', '3')).toBe('edc');
  expect(await all('--sort', 'created_at', '--limit', '2')).toBe('ba');
  expect(await all('--private')).toBe('bd');
  expect(await vmkiln(...list, '--property', 'min_disk=1')).toBe(`a:${tag}\n`);
  expect(await vmkiln(...list, '--property', `vmkiln_sha256=${sha256}`, '--limit', '1')).toBe(`a:${tag}\n`);
});

test('image set and unset say what the openstack client says, and it sees the same', async () => {
  const name = names[0] ?? '';
  const fields = ['--hidden', '--os-distro', 'fedora', '--os-version', '41', '--protected', '--community'];
  await vmkiln('image', 'set', name, ...fields, '--property', 'x=1', '--tag', 'new');
  const { ID: id } = (await openstack<{ ID: string }[]>('test', 'image', 'list', '--hidden', '--tag', 'new'))[0] ?? {};
  const shown = await openstack<{ properties: object }>('test', 'image', 'show', String(id));
  expect(shown).toMatchObject({ visibility: 'community', protected: true });
  expect(shown.properties).toMatchObject({ os_hidden: true, os_distro: 'fedora', os_version: '41', x: '1' });
  await vmkiln('image', 'unset', name, '--property', 'x', '--tag', 'new');
  const none = await run(['image', 'unset', name, '--property', 'x', '--tag', tag], { env: environment() });
  expect(none).toMatchObject({ status: 1, stderr: expect.stringContaining('has no property x') });
  const after = await openstack<{ properties: object; tags: string[] }>('test', 'image', 'show', String(id));
  expect(after.properties).not.toHaveProperty('x');
  expect(after.tags).toEqual(["it's"]);
  await vmkiln('image', 'set', name, '--unhidden', '--unprotected', '--tag', tag);
  const admin = ['--os-cloud', 'admin'];
  await vmkiln('image', 'set', String(id), ...admin, '--deactivate');
  expect(await openstack('test', 'image', 'show', String(id))).toMatchObject({ status: 'deactivated' });
  await vmkiln('image', 'set', String(id), ...admin, '--activate');
  expect(await openstack('test', 'image', 'show', String(id))).toMatchObject({ status: 'active' });
});

test('image save gives the data as it was sent, to a file or a pipe', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'vmkiln-save-')), 'x.qcow2');
  const digest = (data: Buffer) => createHash('sha256').update(data).digest('hex');
  expect(await vmkiln('image', 'save', names[1] ?? '', '--file', file)).toBe(`${file}\n`);
  expect(digest(readFileSync(file))).toBe(sha256);
  expect(await vmkiln('image', 'save', names[1] ?? '', '--file', file)).toBe(`${file} (already there)\n`);
  const env = { ...process.env, ...environment() };
  const piped = spawnSync(process.execPath, ['dist/cli.js', 'image', 'save', names[1] ?? ''], { env });
  expect(piped.status).toBe(0);
  expect(digest(piped.stdout)).toBe(sha256);
});

test('an image comes from standard input, and leaves nothing in TMPDIR', async () => {
  const TMPDIR = mkdtempSync(join(tmpdir(), 'vmkiln-stdin-'));
  const env = { ...process.env, ...environment(), TMPDIR };
  const upload = (...args: string[]) =>
    spawnSync(process.execPath, ['dist/cli.js', 'upload', ...args], {
      env,
      input: readFileSync(path),
      encoding: 'utf8',
    });
  const name = fresh('stdin');
  expect(upload('-')).toMatchObject({ status: 2, stderr: expect.stringContaining('--name') });
  expect(upload()).toMatchObject({ status: 2, stderr: expect.stringContaining("missing required argument 'image'") });
  const first = upload('-', '--name', name);
  expect(first).toMatchObject({ status: 0 });
  expect(upload('--name', name).stdout).toContain('already there');
  expect(await openstack('test', 'image', 'show', first.stdout.trim().split('/').at(-1) ?? '')).toMatchObject({
    ...{ name, disk_format: 'qcow2', size: readFileSync(path).length },
  });
  expect(readdirSync(TMPDIR)).toEqual([]);
  await vmkiln('image', 'delete', name);
});

test('what the service refuses is told with what helps', async () => {
  const id = (await vmkiln('image', 'list', '--name', names[1] ?? '', '-f', 'value', '-c', 'ID')).trim();
  const foreign = (
    await vmkiln('image', 'list', '--visibility', 'all', '--name', `e:${tag}`, '-f', 'value', '-c', 'ID')
  ).trim();
  const refused = async (status: number, hint: string, ...args: string[]) => {
    const { stderr, ...rest } = await run(['image', ...args], { env: environment(), timeout: 100 });
    expect({ args, ...rest, stderr }).toMatchObject({
      status: 1,
      stderr: expect.stringContaining(` answered ${status} `),
    });
    expect(stderr.split('next: ')[1]).toContain(hint);
  };
  await vmkiln('image', 'set', id, '--protected');
  await refused(403, '--unprotected', 'delete', id);
  await vmkiln('image', 'set', id, '--unprotected');
  await refused(403, 'formats are settled', 'set', id, '--disk-format', 'raw');
  await refused(403, 'policy publicize_image', 'set', id, '--public');
  await refused(403, `image set ${id} --shared`, 'members', id, '--add', 'f'.repeat(32));
  await vmkiln('image', 'deactivate', id);
  await refused(403, 'image reactivate', 'save', id, '--file', join(home, 'deactivated'));
  await vmkiln('image', 'reactivate', id);
  await refused(403, 'another project', 'set', foreign, '--min-disk', '7');
  await refused(403, 'another project', 'delete', foreign);
  await refused(403, 'leave --project out', 'set', id, '--project', 'a'.repeat(32));
  await refused(400, 'at most 255', 'set', id, '--name', 'x'.repeat(300));
  await refused(400, '', 'list', '--status', 'rhel:7');
  await refused(409, 'state of the image', 'import', id, '--method', 'web-download', '--uri', 'http://127.0.0.1:1/x');
});
