import { generateKeyPairSync } from 'node:crypto';
import { appendFileSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fakeHost } from '../support/fake-tools.ts';
import { vmkiln } from '../support/vmkiln.ts';

/** A host, a recipe whose images are signed, and the public key of who signs them. */
function signedHost() {
  const host = fakeHost();
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  writeFileSync(join(host.folder, 'signer.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const key = join(host.folder, 'signer.pub');
  writeFileSync(key, publicKey.export({ type: 'spki', format: 'pem' }));
  const hook = join(host.folder, 'hook.sh');
  writeFileSync(hook, `#!/bin/sh\ncat > ${host.folder}/context.json\n`, { mode: 0o755 });
  const more = 'describe: { signWith: { file: signer.pem } }\nhooks: { afterBuild: hook.sh }';
  const run = (args: string[], env = {}) => vmkiln(args, { env: { ...host.env, ...env } });
  const build = (recipe: string, env = {}) =>
    run(['build', recipe, '--connect', 'qemu:///session', '--ui', 'json'], env);
  return { host, key, run, build, more, image: join(host.folder, 'images/a.qcow2') };
}

test('a build leaves an image that is described, signed and listed, and does so once', async () => {
  const { host, key, run, build, more, image } = signedHost();
  const recipe = host.recipe('a', more);
  expect((await build(recipe)).status).toBe(0);
  const beside = ['a.qcow2', 'a.qcow2.cdx.json', 'a.qcow2.intoto.jsonl', 'a.qcow2.inventory.json', 'a.qcow2.sha256'];
  expect(readdirSync(join(host.folder, 'images')).toSorted()).toEqual([...beside, 'index.json']);
  const index = JSON.parse(readFileSync(join(host.folder, 'images/index.json'), 'utf8')) as { images: object[] };
  expect(index.images[0]).toMatchObject({ documents: { sbom: { file: 'a.qcow2.cdx.json' } } });
  const { documents } = JSON.parse(readFileSync(join(host.folder, 'context.json'), 'utf8')) as { documents: object };
  expect(Object.keys(documents)).toEqual(['inventory', 'sbom', 'statements']);

  // Nothing is read, signed or written anew when nothing has changed.
  const files = beside.map((file) => join(host.folder, 'images', file));
  const before = files.map((file) => statSync(file, { bigint: true }).ctimeNs);
  const again = await build(recipe);
  expect(again.events).toContainEqual(expect.objectContaining({ type: 'stage-reused', stage: 'describe' }));
  expect(files.map((file) => statSync(file, { bigint: true }).ctimeNs)).toEqual(before);

  expect(await run(['verify-provenance', image, '--key', key])).toMatchObject({ status: 0, stderr: '' });
  const uploaded = (folder: string) =>
    run(['upload', image, '--to', join(host.folder, folder)], { PATH: process.env['PATH'] });
  expect(await uploaded('whole')).toMatchObject({ status: 0 });
  expect(readdirSync(join(host.folder, 'whole')).toSorted()).toEqual([...beside, 'index.json']);
  appendFileSync(`${image}.cdx.json`, ' ');
  expect(await uploaded('changed')).toMatchObject({
    status: 0,
    stderr: expect.stringContaining('file-changed: the sbom'),
  });
  expect(readdirSync(join(host.folder, 'changed')).toSorted()).toEqual(['a.qcow2', 'a.qcow2.sha256', 'index.json']);
  const refused = await run(['verify-provenance', image, '--key', key]);
  expect(refused.status).toBe(1);
  expect(refused.stderr).toContain('file-changed: the sbom is not the one');
});

test('builds differ by what their inventories say', async () => {
  const { host, run, build, more } = signedHost();
  const ids: string[] = [];
  for (const bash of ['4.9', '4.10']) {
    const recipe = host.recipe('a', `${more}\ncustomize: [{ run: echo ${bash} }]`);
    const { status, events } = await build(recipe, { FAKE_BASH: bash });
    expect(status).toBe(0);
    ids.push(...events.flatMap((event) => (event.type === 'build-started' ? [event.build] : [])));
    const told = events.flatMap((event) => (event.type === 'difference' ? [event.summary] : []));
    expect(told).toEqual(bash === '4.9' ? [] : ['packages: 1 upgraded']);
  }
  const [from = '', to = ''] = ids;
  expect(await run(['diff', from, to])).toMatchObject({
    status: 0,
    stdout: 'Packages (1 upgraded)\n  ~ bash.x86_64  4.9-1 → 4.10-1\n',
  });
  expect(await run(['diff', from, 'images/none.qcow2'])).toMatchObject({ status: 2 });
  expect(await run(['diff', from, to, '--json', '--markdown'])).toMatchObject({ status: 2 });
});
