import { createReadStream, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { verifySignature } from '../../src/commands/verify-signature.ts';
import { createImage, deleteImage, getImage, putData } from '../../src/openstack/image-api.ts';
import type { CloudSession } from '../../src/openstack/keystone.ts';
import { glance } from '../../src/targets/glance/glance.ts';
import { exec } from '../../src/tools/exec.ts';
import { commandContext } from '../support/command-context.ts';
import { context, imagesCalled, makeImage, place, sessionOf, signal } from '../support/cloud/tools.ts';
import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';

let one: CloudSession;
const folder = mkdtempSync(join(tmpdir(), 'vmkiln-keys-'));
beforeAll(async () => {
  one = await sessionOf('test');
});

/** A key with its certificate, as an operator would make them. */
async function makeKey(name: string, kind: string[], passphrase?: string) {
  const [key, certificate] = [join(folder, `${name}.key`), join(folder, `${name}.pem`)];
  const lock = passphrase === undefined ? ['-nodes'] : ['-passout', `pass:${passphrase}`];
  const args = [
    'req',
    '-x509',
    '-newkey',
    ...kind,
    ...lock,
    '-keyout',
    key,
    '-out',
    certificate,
    '-days',
    '30',
    '-subj',
    '/CN=test',
  ];
  await exec({ program: 'openssl', args, timeout: 60, signal });
  return { key, certificate };
}

const session = commandContext(signal);
const idOf = (at: string) => at.split('/').at(-1) ?? '';

test.each([
  ['rsa', ['rsa:2048'], 'SHA-256', 'secret words'],
  ['rsa4096', ['rsa:4096'], 'SHA-512', undefined],
  ['p384', ['ec', '-pkeyopt', 'ec_paramgen_curve:secp384r1'], 'SHA-384', undefined],
  ['p521', ['ec', '-pkeyopt', 'ec_paramgen_curve:secp521r1'], 'SHA-224', undefined],
])(
  'an image signed with %s is accepted by the service, and a changed one is not',
  async (name, kind, hash, passphrase) => {
    const pair = await makeKey(name, kind, passphrase);
    process.env['SIGN_PASSPHRASE'] = passphrase ?? '';
    const sign = { ...pair, hash, ...(passphrase && { passphrase: { env: 'SIGN_PASSPHRASE' } }) };
    const image = await makeImage();
    const { location } = await glance.publish(image, place('test', { sign }), context());
    const there = await getImage(one, idOf(location), { signal });
    expect(there).toMatchObject({ status: 'active', img_signature_hash_method: hash });
    await verifySignature(there.id, { osCloud: 'test' }, session);
    // The service checks it: other bytes under the same signature are refused.
    const signature = Object.fromEntries(Object.entries(there).filter(([key]) => key.startsWith('img_')));
    const bytes = readFileSync(image.path);
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    const id = randomUUID();
    await createImage(
      one,
      { id, name: image.name, disk_format: 'raw', container_format: 'bare', ...signature },
      { signal, isOurs: () => false },
    );
    const data = { open: () => Readable.from([bytes]), size: bytes.length };
    await expect(putData(one, id, data, { to: 'file', idle: 60, signal })).rejects.toThrow(/400.*[Ss]ignature/);
    await deleteImage(one, id, { signal });
    // The same key signs the same image again: it is the same image.
    expect(await glance.publish(image, place('test', { sign }), context())).toMatchObject({ unchanged: true });
  },
);

test('what cannot be verified is refused before it is uploaded', async () => {
  const image = await makeImage();
  const good = await makeKey('good', ['rsa:2048'], 'right');
  const other = await makeKey('other', ['rsa:2048']);
  const p256 = await makeKey('p256', ['ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1']);
  process.env['SIGN_PASSPHRASE'] = 'wrong';
  const refused = async (sign: object, keys: object = {}) =>
    glance.publish(image, place('test', { sign, ...keys }), context()).catch((error: Error) => error.message);
  const locked = await refused({ ...good, passphrase: { env: 'SIGN_PASSPHRASE' } });
  expect(locked).toContain('passphrase is missing or wrong');
  expect(await refused({ key: other.key, certificate: good.certificate })).toContain('does not belong');
  expect(await refused(p256)).toContain('cannot verify signatures of a key of the type ec');
  expect(await refused(other, { method: 'glance-direct' })).toContain('signed image goes by the direct upload');
  expect(await imagesCalled(one, image.name)).toEqual([]);
});

test('a signature goes onto no other data, and an upload that is taken up again keeps its own', async () => {
  const sign = await makeKey('late', ['rsa:2048']);
  const [image, other] = await Promise.all([makeImage(), makeImage()]);
  const leave = async (properties: object) => {
    const id = randomUUID();
    const fields = { id, name: image.name, disk_format: 'qcow2', container_format: 'bare' };
    const own = { vmkiln_sha256: image.sha256, ...properties };
    await createImage(one, { ...fields, ...own }, { signal, isOurs: () => false });
    const data = { open: () => createReadStream(other.path), size: other.size };
    await putData(one, id, data, { to: 'file', idle: 60, signal });
    return id;
  };
  // As the cloud may have converted it: what was published as this image, with other bytes.
  const converted = await leave({ disk_format: 'raw', vmkiln_os_hash_value: other.sha512 });
  await expect(glance.publish(image, place('test', { sign }), context())).rejects.toThrow(/cannot be signed/);
  await deleteImage(one, converted, { signal });
  const killed = await leave({ os_hidden: true, vmkiln_uploading: 'of no living process' });
  const { location } = await glance.publish(image, place('test', { sign }), context());
  expect(idOf(location)).not.toBe(killed);
  await verifySignature(idOf(location), { osCloud: 'test' }, session);
  expect(await imagesCalled(one, image.name)).toHaveLength(1);
});

test('a file is verified as openssl signed it', async () => {
  const { key, certificate } = await makeKey('file', ['rsa:2048']);
  const image = await makeImage();
  const signature = join(folder, 'file.sig');
  const salt = ['-sigopt', 'rsa_padding_mode:pss', '-sigopt', 'rsa_pss_saltlen:max'];
  const sign = ['dgst', '-sha256', '-sign', key, ...salt, '-out', signature, image.path];
  await exec({ program: 'openssl', args: sign, timeout: 30, signal });
  await verifySignature(image.path, { signature, certificate }, session);
  writeFileSync(image.path, 'changed');
  await expect(verifySignature(image.path, { signature, certificate }, session)).rejects.toMatchObject({
    code: 'SIGNATURE_INVALID',
  });
});
