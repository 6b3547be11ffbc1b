import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fakeHost } from '../support/fake-tools.ts';
import { treeInfo, writeIso } from '../support/rhel-iso.ts';
import { vmkiln } from '../support/vmkiln.ts';

const connect = ['--connect', 'qemu:///session'];

test('a medium that cannot serve is refused before anything is made, and found by plan and doctor', async () => {
  const host = fakeHost();
  const recipe = host.recipe('a');
  const iso = join(host.folder, 'x.iso');
  const media: [write: () => void, problem: string][] = [
    [() => writeFileSync(iso, 'no ISO'), 'x.iso is no ISO image'],
    [
      () => writeIso(iso, { '.treeinfo': treeInfo({ version: '8.10' }) }),
      'x.iso is a medium of RHEL 8.10, and release is "7.9"',
    ],
  ];
  for (const [write, problem] of media) {
    write();
    for (const words of [['plan'], ['build', '--ui', 'plain']]) {
      const { status, stderr } = await vmkiln([...words, recipe, ...connect], { env: host.env });
      expect({ status, told: stderr.includes(problem) }, `${words[0]}: ${stderr}`).toEqual({ status: 2, told: true });
    }
  }
  const { stdout } = await vmkiln(['doctor', recipe, ...connect, '--json'], { env: host.env });
  expect(JSON.parse(stdout)).toContainEqual(
    expect.objectContaining({ id: 'media', status: 'fail', detail: expect.stringContaining('a medium of RHEL 8.10') }),
  );
  expect(host.runs('virt-install').count).toBe(0);
  const left = readdirSync(join(host.folder, 'home'), { recursive: true }).map(String);
  expect(left.filter((path) => /builds\/a-/.test(path))).toEqual([]);
});

test('a failure before there is a machine leaves no bundle, and is told once', async () => {
  const host = fakeHost();
  const env = { ...host.env, FAKE_FAIL: '--initrd-inject' };
  const { status, events } = await vmkiln(['build', host.recipe('a'), ...connect, '--ui', 'json'], { env });
  expect(status).toBe(1);
  const failed = events.find(({ type }) => type === 'failed');
  expect(failed).toMatchObject({ code: 'COMMAND_FAILED', message: expect.stringContaining('it was told to fail') });
  expect(failed).not.toHaveProperty('bundle');
  expect(events.filter((event) => event.type === 'warning' && event.message.includes('bundle'))).toEqual([]);
  const [folder = ''] = events.flatMap((event) => (event.type === 'build-started' ? [event.folder] : []));
  expect(existsSync(join(folder, 'failure'))).toBe(false);
});
