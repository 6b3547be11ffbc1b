import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { capturedBytes } from '../support/captured-images.ts';
import { fresh, imagesCalled, makeImage, openstack, sessionOf } from '../support/cloud/tools.ts';
import { vmkiln as run } from '../support/vmkiln.ts';

const home = mkdtempSync(join(tmpdir(), 'vmkiln-home-'));

function vmkiln(...args: string[]) {
  const env = { OS_CLIENT_CONFIG_FILE: inject('cloud').clouds, OS_CLOUD: 'test', VMKILN_HOME: home };
  return run(args, { env, timeout: 100 });
}

const idOf = ({ stdout }: { stdout: string }) => stdout.trim().split(' ')[0]?.split('/').at(-1) ?? '';
let path: string;
let admins: { id: string };
let images: { id: string };
beforeAll(async () => {
  path = (await makeImage()).path;
  [admins, images] = (await Promise.all(
    ['admin', 'images'].map((name) => openstack<{ id: string }>('admin', 'project', 'show', name)),
  )) as [{ id: string }, { id: string }];
});

test.each(['rhel:7.9', 'in:a,b', 'eq:x'])('an image called %s is found again, and stays one', async (given) => {
  const name = `${given}${fresh('')}`;
  const first = await vmkiln('upload', path, '--name', name, '--tag', 'a', '--tag', 'a');
  expect(first).toMatchObject({ status: 0 });
  const second = await vmkiln('upload', path, '--name', name, '--tag', 'a', '--tag', 'a', '--dry-run');
  expect(second.stdout).toContain('is there with the same content and properties');
  expect((await vmkiln('upload', path, '--name', name)).stdout).toContain('already there');
  const id = idOf(first);
  expect((await vmkiln('image', 'list', '--name', name, '-f', 'value', '-c', 'id')).stdout).toBe(`${id}\n`);
  expect(JSON.parse((await vmkiln('image', 'show', name, '--json')).stdout)).toMatchObject({ id, name, tags: ['a'] });
  expect(await openstack('test', 'image', 'show', id)).toMatchObject({ name });
  expect(await vmkiln('image', 'delete', name)).toMatchObject({ status: 0 });
});

test('a project is named as people do, and one that nobody has owns and shares nothing', async () => {
  const name = fresh('owned');
  const admin = ['--os-cloud', 'admin'];
  const given = await vmkiln('upload', path, ...admin, '--name', name, '--project', 'images');
  const id = idOf(given);
  expect(await openstack('admin', 'image', 'show', id)).toMatchObject({ owner: images.id });
  expect((await vmkiln('upload', path, ...admin, '--name', name, '--project', images.id)).stdout).toContain('already');
  const listed = await vmkiln('image', 'list', ...admin, '--project', 'images', '--name', name, '-f', 'json');
  expect(JSON.parse(listed.stdout)).toEqual([{ ID: id, Name: name, Status: 'active' }]);
  const none = fresh('none');
  for (const project of ['nobody', 'f'.repeat(32)]) {
    const refused = await vmkiln('upload', path, ...admin, '--name', none, '--project', project);
    expect(refused).toMatchObject({ status: 2, stderr: expect.stringContaining(`there is no project ${project}`) });
    const set = await vmkiln('image', 'set', id, ...admin, '--project', project);
    expect(set).toMatchObject({ status: 2, stderr: expect.stringContaining('there is no project') });
  }
  expect(await imagesCalled(await sessionOf('admin'), none)).toEqual([]);

  await vmkiln('image', 'set', id, '--shared');
  const stranger = await vmkiln('image', 'members', id, '--add', 'admin');
  expect(stranger).toMatchObject({ status: 2, stderr: expect.stringContaining('give the id of the project') });
  const added = await vmkiln('image', 'members', id, ...admin, '--add', 'admin');
  expect(added.stdout).toMatch(new RegExp(`${admins.id} +pending`));
  const answered = await vmkiln('image', 'set', name, ...admin, '--accept', '--json');
  expect(answered).toMatchObject({ status: 0 });
  expect(await openstack('test', 'image', 'member', 'list', id)).toMatchObject([
    { 'Member ID': admins.id, Status: 'accepted' },
  ]);
  expect(await vmkiln('image', 'set', id, ...admin, '--reject', '--project', 'admin')).toMatchObject({ status: 0 });
  expect((await vmkiln('image', 'members', id, '--remove', admins.id)).stdout).not.toContain(admins.id);
  const moved = await vmkiln('image', 'set', id, ...admin, '--project', 'admin', '--project-domain', 'Default');
  expect(moved).toMatchObject({ status: 0, stdout: expect.stringContaining(admins.id) });
  await vmkiln('image', 'delete', id, ...admin);
});

test('an ISO, and a kernel that nothing is known of, are uploaded as they are', async () => {
  const raw = join(mkdtempSync(join(tmpdir(), 'vmkiln-raw-')), 'x.img');
  const contents = { iso: capturedBytes('t.iso'), aki: readFileSync(path).subarray(4096) };
  for (const [format, bytes] of Object.entries(contents)) {
    writeFileSync(raw, bytes);
    const name = fresh(format);
    const dry = await vmkiln('upload', raw, '--name', name, '--disk-format', format, '--dry-run');
    expect(dry.stdout).not.toContain('converted');
    const uploaded = await vmkiln('upload', raw, '--name', name, '--disk-format', format);
    expect(uploaded).toMatchObject({ status: 0 });
    const container = format === 'iso' ? 'bare' : format;
    const shown = await openstack('test', 'image', 'show', idOf(uploaded));
    expect(shown).toMatchObject({ disk_format: format, container_format: container });
    await vmkiln('image', 'delete', name);
  }
});

const server = createServer((_, answer) => answer.end(readFileSync(path)));
afterAll(() => server.close());

test('a URL without a name or a format makes no image', async () => {
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const before = (await vmkiln('image', 'list', '--all', '--json')).stdout;
  for (const args of [[`${url}/`], [`${url}/x`], [`${url}/`, '--name', 'x'], [`${url}/x.img`, '--name', 'x']]) {
    expect(await vmkiln('upload', ...args)).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/--name|--disk-format/),
    });
  }
  expect((await vmkiln('image', 'list', '--all', '--json')).stdout).toBe(before);
  const name = fresh('url');
  const fetched = await vmkiln('upload', `${url}/`, '--name', name, '--disk-format', 'qcow2');
  expect(fetched).toMatchObject({ status: 0 });
  await vmkiln('image', 'delete', name);
});

test('what the options say of an image twice, and differently, changes nothing', async () => {
  const name = fresh('fields');
  const refused = (...args: string[]) => expect(vmkiln(...args)).resolves.toMatchObject({ status: 2, stdout: '' });
  await refused('upload', path, '--name', name, '--property', 'name=foo');
  await refused('upload', path, '--name', name, '--public', '--visibility', 'private');
  expect(await imagesCalled(await sessionOf('test'), name)).toEqual([]);
  await vmkiln('upload', path, '--name', name, '--private');
  await refused('image', 'set', name, '--shared', '--visibility', 'private');
  await refused('image', 'set', name, '--property', 'visibility=shared');
  await refused('image', 'set', name, '--hidden', '--unhidden');
  await refused('image', 'unset', name, '--property', 'name');
  expect(await imagesCalled(await sessionOf('test'), name)).toMatchObject([
    { visibility: 'private', os_hidden: false },
  ]);
  await vmkiln('image', 'delete', name);
});
