import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Plan } from '../../src/model.ts';
import { fakeHost, type FakeHost } from '../support/fake-tools.ts';
import { vmkiln } from '../support/vmkiln.ts';

const motd = 'customize: [{ upload: { from: motd, to: /etc/motd } }]';

/** A recipe that uploads a file, and its plan in a file of its own. */
async function kept(more = '') {
  const host = fakeHost();
  writeFileSync(join(host.folder, 'motd'), 'welcome');
  const recipe = host.recipe('a', `${motd}\n${more}`);
  const file = join(host.folder, 'the plan.json');
  const { status, stderr } = await vmkiln(['plan', recipe, '--connect', 'qemu:///session', '--save', file], {
    env: { ...host.env, ROOT_PASSWORD: 'geheim-1' },
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return { host, recipe, file };
}

function build(host: FakeHost, file: string, env = {}) {
  return vmkiln(['build', '--plan', file, '--ui', 'json'], { env: { ...host.env, ROOT_PASSWORD: 'geheim-1', ...env } });
}

test('a kept plan is built exactly as it is, whatever became of the recipe', async () => {
  const { host, recipe, file } = await kept();
  const plan = JSON.parse(readFileSync(file, 'utf8')) as Plan;
  writeFileSync(recipe, readFileSync(recipe, 'utf8').replace('name: a', 'name: b'));
  const { status, events } = await build(host, file);
  expect(status).toBe(0);
  const started = events.flatMap((event) =>
    event.type === 'command-started' && !event.control ? [event.argv[0]] : [],
  );
  const planned = plan.stages.flatMap(({ commands }) => commands.map(({ program }) => program));
  expect(started).toEqual(planned);
  expect(events).toContainEqual(expect.objectContaining({ message: expect.stringContaining('was edited after') }));
  const [folder] = events.flatMap((event) => (event.type === 'build-started' ? [event.folder] : []));
  const ran = JSON.parse(readFileSync(join(folder ?? '', 'plan.json'), 'utf8')) as Plan;
  expect(ran.stages).toEqual(plan.stages);
});

test('what a kept plan went by and has changed since is told, all of it, before anything runs', async () => {
  const { host, file } = await kept('rootPassword: { env: ROOT_PASSWORD }');
  writeFileSync(join(host.folder, 'motd'), 'goodbye');
  appendFileSync(join(host.folder, 'x.iso'), 'another');
  const { status, stderr } = await build(host, file, { ROOT_PASSWORD: 'geheim-2' });
  expect(status).toBe(2);
  expect(stderr).toContain('motd was changed');
  expect(stderr).toContain('x.iso was changed');
  expect(stderr).toContain('the secret ROOT_PASSWORD has another value');
  expect(stderr).not.toContain('geheim');
  rmSync(join(host.folder, 'motd'));
  expect((await build(host, file)).stderr).toContain('motd was removed');
  expect(host.runs('virt-install').count).toBe(0);
});

test('a file that is no plan, or one of another version, is refused; so are options that decide otherwise', async () => {
  const { host, recipe, file } = await kept();
  const other = join(host.folder, 'other.json');
  const plan = JSON.parse(readFileSync(file, 'utf8')) as Plan;
  writeFileSync(other, JSON.stringify({ ...plan, vmkiln: '0.0.1' }));
  expect((await build(host, other)).stderr).toContain('vmkiln 0.0.1 made it');
  writeFileSync(other, '[]');
  expect((await build(host, other)).stderr).toContain('is not a plan');
  expect((await build(host, join(host.folder, 'none.json'))).status).toBe(2);
  expect((await build(host, join(host.folder, 'a.yaml'))).stderr).toContain('it is not JSON');
  const both = await vmkiln(['build', recipe, '--plan', file, '--no-cache', '--set', 'a=b'], { env: host.env });
  expect({ status: both.status, stderr: both.stderr }).toEqual({
    status: 2,
    stderr: expect.stringContaining('--plan excludes a recipe, --set, --no-cache'),
  });
  expect((await vmkiln(['build'], { env: host.env })).stderr).toContain('name a recipe, or a plan');
});
