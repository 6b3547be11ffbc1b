import { mkdtempSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { fresh, makeImage, openstack } from '../support/cloud/tools.ts';
import { vmkiln as run } from '../support/vmkiln.ts';

const home = mkdtempSync(join(tmpdir(), 'vmkiln-home-'));

function vmkiln(...args: string[]) {
  const env = { OS_CLIENT_CONFIG_FILE: inject('cloud').clouds, OS_CLOUD: 'test', VMKILN_HOME: home };
  return run(args, { env, timeout: 100 });
}

type Shown = Record<string, unknown> & { id: string; properties: Record<string, unknown>; tags: string[] };

test('upload and image: what vmkiln writes and reads, the openstack client reads too', async () => {
  const name = fresh('command');
  const { path } = await makeImage();
  const dry = await vmkiln('upload', path, '--to', 'test', '--name', name, '--os-name', 'rhel7.9', '--dry-run');
  expect(dry).toMatchObject({ status: 0, stdout: expect.stringContaining(`+ image ${name}, uploaded directly`) });
  expect((await vmkiln('image', 'list', '--name', name, '--all', '--json')).stdout).toBe('[]\n');

  const uploaded = await vmkiln(
    'upload',
    path,
    '--to',
    'test',
    '--name',
    name,
    '--os-name',
    'rhel7.9',
    '--private',
    '--json',
  );
  const [{ location, unchanged }] = JSON.parse(uploaded.stdout) as [{ location: string; unchanged: boolean }];
  expect(unchanged).toBe(false);
  const id = location.split('/').at(-1) ?? '';

  const words = [
    '--min-ram',
    '256',
    '--property',
    'a/b=c d',
    '--property',
    'hw_disk_bus=scsi',
    '--tag',
    'x',
    '--remove-property',
    'os_name',
  ];
  expect(await vmkiln('image', 'set', name, '--description', 'mine', '--protected', ...words)).toMatchObject({
    status: 0,
  });
  const shown = await openstack<Shown>('test', 'image', 'show', id);
  expect(shown).toMatchObject({ name, min_ram: 256, protected: true, visibility: 'private', tags: ['x'] });
  expect(shown.properties).toMatchObject({ 'a/b': 'c d', hw_disk_bus: 'scsi', description: 'mine', os_distro: 'rhel' });
  expect(shown.properties).not.toHaveProperty('os_name');
  const ours = JSON.parse((await vmkiln('image', 'show', id, '--json')).stdout) as Record<string, unknown>;
  expect(ours).toMatchObject({ id, min_ram: 256, ...shown.properties });

  expect(await vmkiln('image', 'hide', name)).toMatchObject({ status: 0, stdout: `${id}\n` });
  expect(await openstack<object[]>('test', 'image', 'list', '--name', name)).toEqual([]);
  expect(await openstack<object[]>('test', 'image', 'list', '--name', name, '--hidden')).toMatchObject([{ ID: id }]);
  await vmkiln('image', 'unhide', name);
  expect((await vmkiln('image', 'list', '--name', name)).stdout).toContain(id);

  const kept = await vmkiln('image', 'delete', id);
  expect(kept).toMatchObject({ status: 1, stderr: expect.stringContaining('403') });
  await vmkiln('image', 'set', id, '--unprotected', '--shared');
  const { id: project } = await openstack<{ id: string }>('admin', 'project', 'show', 'admin');
  const members = await vmkiln('image', 'members', id, '--add', project);
  expect(members.stdout).toMatch(new RegExp(`${project} +pending`));
  expect(await openstack<object[]>('test', 'image', 'member', 'list', id)).toMatchObject([{ 'Member ID': project }]);
  expect(await vmkiln('image', 'delete', id, 'no-such-image')).toMatchObject({ status: 1, stdout: `${id}\n` });
  expect((await vmkiln('image', 'list', '--name', name, '--json')).stdout).toBe('[]\n');
});

test('a file never seen before is read once, while it is sent, and is known from then on', async () => {
  const { path, name, sha256 } = await makeImage();
  const upload = () => vmkiln('upload', path, '--to', 'test', '--name', name);
  // Nothing is stored of a file that was written this very moment.
  utimesSync(path, new Date('2026-01-01'), new Date('2026-01-01'));
  const first = await upload();
  expect(first).toMatchObject({ status: 0, stderr: expect.not.stringContaining('checksum') });
  const id = first.stdout.trim().split('/').at(-1) ?? '';
  const shown = await openstack<Shown>('test', 'image', 'show', id);
  expect(shown.properties).toMatchObject({ vmkiln_sha256: sha256 });
  expect(readFileSync(join(home, 'cache/media/hashes.json'), 'utf8')).toContain(sha256);
  expect(await upload()).toMatchObject({ status: 0, stdout: `${first.stdout.trim()} (already there)\n` });

  // Where there is an image of that name, the digest decides what happens, and comes first.
  const other = await makeImage();
  const refused = await vmkiln('upload', other.path, '--to', 'test', '--name', name);
  expect(refused).toMatchObject({ status: 1, stderr: expect.stringContaining('another image called') });
  expect(refused.stderr).toContain('checksum of');
});

test('deactivate, reactivate and copy-image, as an administrator', async () => {
  const name = fresh('admin');
  const { path } = await makeImage();
  await vmkiln('upload', path, '--to', 'admin', '--name', name, '--public', '--store', 'fast');
  const admin = ['--os-cloud', 'admin'];
  expect(await vmkiln('image', 'deactivate', name, ...admin)).toMatchObject({ status: 0 });
  expect(JSON.parse((await vmkiln('image', 'show', name, '--json', ...admin)).stdout)).toMatchObject({
    status: 'deactivated',
  });
  await vmkiln('image', 'reactivate', name, ...admin);
  const copied = await vmkiln('image', 'import', name, '--method', 'copy-image', '--store', 'slow', '--json', ...admin);
  expect(JSON.parse(copied.stdout)).toMatchObject({ status: 'active', stores: 'fast,slow' });
  const methods = await vmkiln('image', 'methods', '--json');
  expect(JSON.parse(methods.stdout)).toMatchObject({
    methods: ['put', 'glance-direct', 'web-download', 'copy-image'],
    stores: [
      { id: 'fast', default: true },
      { id: 'slow', default: false },
    ],
  });
  await vmkiln('image', 'delete', name, ...admin);
});

test('what a rehearsal made is uploaded only when that is said', async () => {
  const { path, sha256, size } = await makeImage();
  const entry = {
    name: 'x',
    file: 'disk.qcow2',
    format: 'qcow2',
    size,
    sha256,
    build: 'b',
    createdAt: '',
    rehearsal: true,
  };
  writeFileSync(join(dirname(path), 'index.json'), JSON.stringify({ version: 1, images: [entry] }));
  const refused = await vmkiln('upload', path, '--to', 'test');
  expect(refused).toMatchObject({ status: 2, stderr: expect.stringContaining('--allow-rehearsal') });
});

test('a wrong password is told as such, and is not shown', async () => {
  const env = {
    OS_AUTH_URL: `${inject('cloud').keystone}/v3`,
    OS_USERNAME: 'builder',
    OS_PASSWORD: 'not-the-password',
    OS_PROJECT_NAME: 'images',
    HOME: home,
    OS_CLIENT_CONFIG_FILE: '',
    OS_CLOUD: '',
  };
  const { status, stderr } = await run(['image', 'list'], { env, cwd: home });
  expect(status).toBe(1);
  expect(stderr).toContain('envvars answered 401');
  expect(stderr).toContain('user, password, domains and project');
  expect(stderr).not.toContain('not-the-password');
});
