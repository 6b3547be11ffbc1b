import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { exec } from '../../src/tools/exec.ts';
import { fresh, makeImage, signal } from '../support/cloud/tools.ts';
import { vmkiln as run } from '../support/vmkiln.ts';

const home = mkdtempSync(join(tmpdir(), 'vmkiln-home-'));

/** The login of the builder as an RC file has it, which is all that `glance` reads; vmkiln reads it too. */
function login(): Record<string, string> {
  const { keystone, password } = inject('cloud');
  const user = { OS_USERNAME: 'builder', OS_PASSWORD: password, OS_USER_DOMAIN_ID: 'default' };
  const project = { OS_PROJECT_NAME: 'images', OS_PROJECT_DOMAIN_ID: 'default', OS_REGION_NAME: 'RegionOne' };
  const none = { OS_CLIENT_CONFIG_FILE: '', OS_CLOUD: '', HOME: home, PYTHONWARNINGS: 'ignore' };
  return { OS_AUTH_URL: `${keystone}/v3`, OS_IDENTITY_API_VERSION: '3', ...user, ...project, ...none };
}

/** Runs Debian's `glance` client; its table becomes a map. */
async function glance(...args: string[]): Promise<Record<string, string>> {
  const { stdout } = await exec({ program: '/usr/bin/glance', args, env: login(), timeout: 60, signal });
  const rows: Record<string, string> = {};
  let last = '';
  for (const line of stdout.split('\n')) {
    const [, key, value] = /^\| (\S*) +\| (.*?) *\|$/.exec(line) ?? [];
    // A long value goes on below, beside an empty name.
    last = key || last;
    if (value !== undefined) rows[last] = (rows[last] ?? '') + value;
  }
  delete rows['Property'];
  return rows;
}

async function vmkiln(...args: string[]): Promise<string> {
  const env = { ...login(), VMKILN_HOME: home };
  const { status, stdout, stderr } = await run(args, { env, cwd: home, timeout: 100 });
  expect({ args, status, stderr }).toMatchObject({ status: 0 });
  return stdout;
}

type Shown = Record<string, unknown> & { id: string };
const show = async (id: string) => JSON.parse(await vmkiln('image', 'show', id, '--json')) as Shown;
const table = (id: string) => glance('image-show', id, '--max-column-width', '10000');

/** A value as the table of `glance` has it. */
function asPython(value: unknown): string {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return Array.isArray(value) ? JSON.stringify(value).replaceAll('","', '", "') : String(value);
}

/** Every field and property, but for what is only the way to them. */
function expected(shown: Shown): Record<string, string> {
  const rest = Object.entries(shown).filter(([name]) => !['self', 'file', 'schema'].includes(name));
  return Object.fromEntries(rest.map(([name, value]) => [name, asPython(value)]));
}

test('what vmkiln uploads and changes, the glance client shows field by field, and downloads whole', async () => {
  const { path, sha256 } = await makeImage();
  const name = fresh('theirs');
  const more = ['--property', 'a/b~c=d e', '--property', 'hw_disk_bus=scsi', '--tag', 'x', '--tag', 'a/b'];
  const fields = ['--min-disk', '2', '--min-ram', '512', '--community', '--protected', '--description', 'Über alles'];
  const to = ['--to', 'envvars', '--store', 'slow'];
  const uploaded = await vmkiln('upload', path, ...to, '--name', name, '--os-name', 'rhel7.9', ...fields, ...more);
  const id = uploaded.trim().split('/').at(-1) ?? '';
  const there = await table(id);
  expect(there).toMatchObject({
    ...{ name, status: 'active', disk_format: 'qcow2', container_format: 'bare', visibility: 'community' },
    ...{ min_disk: '2', min_ram: '512', protected: 'True', os_hidden: 'False', stores: 'slow' },
    ...{ os_distro: 'rhel', os_version: '7.9', os_type: 'linux', os_name: 'rhel7.9', 'a/b~c': 'd e' },
    ...{ description: 'Über alles', hw_disk_bus: 'scsi', vmkiln_sha256: sha256 },
  });
  expect(there).not.toHaveProperty('vmkiln_uploading');
  const sort = ({ tags, ...rest }: Record<string, string>) => ({
    ...rest,
    tags: (JSON.parse(tags ?? '[]') as string[]).toSorted(),
  });
  expect(sort(there)).toEqual(sort(expected(await show(id))));
  const file = join(home, 'downloaded');
  // It verifies the hash of the service on the way.
  await glance('image-download', id, '--file', file);
  expect(createHash('sha256').update(readFileSync(file)).digest('hex')).toBe(sha256);

  await vmkiln('image', 'set', id, '--unprotected', '--private', '--min-ram', '0', '--remove-property', 'os_name');
  await vmkiln('image', 'hide', id);
  const changed = await table(id);
  expect(changed).toMatchObject({ protected: 'False', visibility: 'private', min_ram: '0', os_hidden: 'True' });
  expect(changed).not.toHaveProperty('os_name');
  expect(await glance('image-list', '--property-filter', `name=${name}`)).not.toHaveProperty(id);
  expect(await glance('image-list', '--property-filter', `name=${name}`, '--hidden')).toMatchObject({ [id]: name });
  await vmkiln('image', 'delete', id);
  await expect(table(id)).rejects.toThrow(/404|No image found/);
});

test('what the glance client makes and changes, vmkiln shows, adopts and lists', async () => {
  const { path, sha256 } = await makeImage();
  const name = fresh('ours');
  const format = ['--disk-format', 'qcow2', '--container-format', 'bare', '--file', path];
  const more = ['--property', 'os_distro=rhel', '--property', 'x=1', '--tags', 'y', '--min-ram', '64'];
  const { id = '' } = await glance('image-create', '--name', name, ...format, ...more, '--store', 'fast');
  expect(await show(id)).toMatchObject({ name, status: 'active', os_distro: 'rhel', x: '1', tags: ['y'], min_ram: 64 });
  const listed = JSON.parse(await vmkiln('image', 'list', '--name', name, '--json')) as Shown[];
  expect(listed).toMatchObject([{ id }]);
  // The same bytes: it is this image, and only gets what is said of it.
  const again = await vmkiln('upload', path, '--to', 'envvars', '--name', name, '--min-ram', '128');
  expect(again).toMatch(new RegExp(`/${id} \\(already there\\)`));
  expect(await table(id)).toMatchObject({ min_ram: '128', x: '1', vmkiln_sha256: sha256 });
  await glance('image-update', id, '--hidden', 'true', '--remove-property', 'x');
  const after = await show(id);
  expect(after).toMatchObject({ os_hidden: true });
  expect(after).not.toHaveProperty('x');
  const [, { methods }] = await Promise.all([
    glance('image-delete', id),
    vmkiln('image', 'methods', '--json').then((text) => JSON.parse(text) as { methods: string[] }),
  ]);
  const info = await glance('import-info');
  for (const method of methods.filter((each) => each !== 'put')) expect(info['import-methods']).toContain(method);
});
