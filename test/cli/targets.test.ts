import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fakeHost, type FakeHost } from '../support/fake-tools.ts';
import { vmkiln } from '../support/vmkiln.ts';

/** The program that docs/targets.md shows, as somebody would copy it from there. */
const program = (
  /^ {4}#!\/bin\/sh\n(?: {4}.*\n|\n)+/m.exec(readFileSync('docs/targets.md', 'utf8'))?.[0] ?? ''
).replace(/^ {4}/gm, '');
const session = ['--connect', 'qemu:///session'];

/** A recipe that publishes to a folder and, by a program, to another one, which is there unless `without`. */
function archive({ without = false, local = false } = {}): FakeHost & { recipeFile: string; to: string } {
  const host = fakeHost();
  const to = join(host.folder, 'the archive');
  if (!without) mkdirSync(to);
  writeFileSync(join(host.folder, 'archive.sh'), program);
  chmodSync(join(host.folder, 'archive.sh'), 0o755);
  const recipeFile = host.recipe('a');
  const command = `  - command: { run: archive.sh, name: archive, local: ${local}, options: { folder: "${to}" } }`;
  const text = readFileSync(recipeFile, 'utf8').replace(
    /^upload: .*$/m,
    `upload:\n  - directory: { path: "${host.folder}/images" }\n${command}`,
  );
  writeFileSync(recipeFile, text);
  return { ...host, recipeFile, to };
}

test('a program of the user’s publishes, once, and a plan ends with what it would do', async () => {
  const { recipeFile, env, to, folder } = archive();
  const plan = await vmkiln(['plan', recipeFile, ...session], { env });
  expect(plan.stdout.slice(plan.stdout.lastIndexOf('targets\n'))).toBe(
    [
      'targets',
      `  directory ${folder}/images`,
      `    create the folder ${folder}/images`,
      `    add ${folder}/images/a.qcow2`,
      '  command archive',
      `    copy to ${to}`,
      '',
      'next',
      `  vmkiln build ${recipeFile} ${session.join(' ')}\n`,
    ].join('\n'),
  );
  const { status, events, stderr } = await vmkiln(['build', recipeFile, ...session, '--ui', 'json'], { env });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const published = (all: typeof events) =>
    all.flatMap((event) => (event.type === 'published' ? [[event.target, event.name, event.unchanged]] : []));
  expect(published(events).toSorted()).toEqual([
    ['command', 'archive', false],
    ['directory', `${folder}/images`, false],
  ]);
  expect(events).toContainEqual(expect.objectContaining({ type: 'progress', message: `copying to ${to}/a.qcow2` }));
  expect(readFileSync(join(to, 'a.qcow2'), 'utf8')).toBe(readFileSync(join(folder, 'images/a.qcow2'), 'utf8'));
  const again = await vmkiln(['build', recipeFile, ...session, '--ui', 'json'], { env });
  expect(published(again.events)).toContainEqual(['command', 'archive', true]);
});

test('a target that cannot be published to stops a build before it begins', async () => {
  const { recipeFile, env, to, runs } = archive({ without: true });
  const { status, stderr } = await vmkiln(['build', recipeFile, ...session], { env });
  expect(status).toBe(1);
  expect(stderr).toContain(`check: archive.sh exited with status 1: ${to} cannot be written`);
  expect(runs('virt-install').count).toBe(0);
});

test('targets that failed are published to again, and no others', async () => {
  const { recipeFile, env, to, folder } = archive();
  const hook = join(folder, 'unmount.sh');
  writeFileSync(hook, `#!/bin/sh\nrmdir '${to}'\n`, { mode: 0o755 });
  writeFileSync(recipeFile, `${readFileSync(recipeFile, 'utf8')}hooks: { afterBuild: unmount.sh }\n`);
  const broken = await vmkiln(['build', recipeFile, ...session, '--ui', 'json'], { env });
  expect(broken.status).toBe(1);
  const build = broken.events[0]?.build ?? '';
  mkdirSync(to);
  const dry = await vmkiln(['upload', '--failed', build, '--dry-run'], { env });
  expect(dry.stdout).toBe(`archive\n  copy to ${to}\n`);
  const index = join(folder, 'images/index.json');
  const before = readFileSync(index, 'utf8');
  // Its serial is that of the build, however late it comes.
  const serial = join(to, 'a.qcow2.serial');
  writeFileSync(serial, '20991231-000000-0000');
  const late = await vmkiln(['upload', '--failed', build], { env });
  expect(late).toMatchObject({ status: 1, stderr: expect.stringContaining('a newer image is there') });
  const { status, stdout } = await vmkiln(['upload', '--failed', build, '--rollback'], { env });
  expect(build).toMatch(new RegExp(`-${readFileSync(serial, 'utf8').trim()}$`));
  expect({ status, stdout }).toEqual({ status: 0, stdout: `${to}/a.qcow2\n` });
  expect(readFileSync(index, 'utf8')).toBe(before);
  const manifest = JSON.parse(readFileSync(join(folder, 'home/state/builds', build, 'manifest.json'), 'utf8'));
  expect(manifest.published.map(({ name }: { name: string }) => name)).toEqual([`${folder}/images`, 'archive']);
  const none = await vmkiln(['upload', '--failed', build], { env });
  expect({ status: none.status, stdout: none.stdout }).toEqual({ status: 0, stdout: '' });
  expect(none.stderr).toContain('every target of');
  rmSync(join(folder, 'home/cache/checkpoints'), { recursive: true });
  expect((await vmkiln(['upload', '--failed', build], { env })).stderr).toContain('is not in the checkpoint store');
  expect((await vmkiln(['upload', '--failed', 'none'], { env })).status).toBe(2);
  expect((await vmkiln(['upload', 'x.raw', '--failed', build], { env })).status).toBe(2);
}, 120_000);

test('an image that never came to its targets, or was made since, is not published by --failed', async () => {
  const { recipeFile, env, to, folder } = archive();
  const text = readFileSync(recipeFile, 'utf8');
  const hook = join(folder, 'refuse.sh');
  writeFileSync(hook, '#!/bin/sh\nexit 1\n', { mode: 0o755 });
  writeFileSync(recipeFile, `${text}hooks: { afterBuild: refuse.sh }\n`);
  const refused = await vmkiln(['build', recipeFile, ...session, '--ui', 'json'], { env });
  const failed = (build: string) => vmkiln(['upload', '--failed', build], { env });
  const never = await failed(refused.events[0]?.build ?? '');
  expect(never).toMatchObject({ status: 2, stdout: '', stderr: expect.stringContaining('never came to its targets') });

  writeFileSync(hook, `#!/bin/sh\nrmdir '${to}'\n`, { mode: 0o755 });
  const broken = await vmkiln(['build', recipeFile, ...session, '--ui', 'json'], { env });
  mkdirSync(to);
  writeFileSync(recipeFile, text);
  const again = await vmkiln(['build', recipeFile, ...session, '--from', 'sparsify'], { env });
  expect([broken.status, again.status]).toEqual([1, 0]);
  expect((await failed(broken.events[0]?.build ?? '')).stderr).toContain('is not in the checkpoint store');
});

test('a plan asks no cloud that is out of reach, or that it is told to leave alone, and ends well', async () => {
  const { recipeFile, env, folder } = archive();
  const clouds =
    'clouds: { far: { auth: { auth_url: "http://127.0.0.1:9", username: u, password: p, project_name: x } } }\n';
  writeFileSync(join(folder, 'clouds.yaml'), clouds);
  const text = readFileSync(recipeFile, 'utf8').replace(/^upload:\n/m, 'upload:\n  - glance: { cloud: far }\n');
  writeFileSync(recipeFile, text);
  const plan = (...more: string[]) => vmkiln(['plan', recipeFile, ...session, ...more], { env, cwd: folder });
  const asked = await plan();
  expect({ status: asked.status, stderr: asked.stderr }).toEqual({ status: 0, stderr: '' });
  expect(asked.stdout).toMatch(/ {2}glance far\n {4}unknown: .*127\.0\.0\.1/);
  const offline = JSON.parse((await plan('--offline', '--json')).stdout) as { targets: object[] };
  expect(offline.targets).toContainEqual({ target: 'glance', name: 'far', unknown: 'it was not asked (--offline)' });
  expect(offline.targets).toContainEqual({
    target: 'command',
    name: 'archive',
    unknown: 'it was not asked (--offline)',
  });
  expect(existsSync(join(folder, 'images'))).toBe(false);
});

test('a program that answers in another way is told what to print', async () => {
  const { recipeFile, env, folder } = archive();
  writeFileSync(join(folder, 'archive.sh'), '#!/bin/sh\necho done\n', { mode: 0o755 });
  const { stdout } = await vmkiln(['plan', recipeFile, ...session], { env });
  expect(stdout).toContain('archive.sh changes did not print {"changes": ["…"]}, but "done"');
  rmSync(join(folder, 'archive.sh'));
  expect((await vmkiln(['plan', recipeFile, ...session], { env })).stderr).toMatch(
    /upload\.1\.command\.run: there is no file/,
  );
});
