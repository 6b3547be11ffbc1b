import { createHash, createPublicKey, generateKeyPairSync, verify, constants } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { identity } from '../../src/openstack/auth.ts';
import { readCloud } from '../../src/openstack/clouds-yaml.ts';
import { wordsOf } from '../../src/openstack/http.ts';
import { checkProperties } from '../../src/openstack/metadefs.ts';
import { signatureOf, signStream } from '../../src/openstack/signing.ts';
import { judgeImport } from '../../src/openstack/watch-import.ts';
import { uploaderMark, uploaderOf } from '../../src/targets/glance/mark.ts';
import { chooseMethod } from '../../src/targets/glance/method.ts';
import { wantedImage } from '../../src/targets/glance/wanted.ts';
import { glanceSchema } from '../../src/targets/glance/recipe.ts';
import { osProperties } from '../../src/images/system-properties.ts';
import { imageRecord as image } from '../support/cloud/image-record.ts';

test('a mark of this PID namespace is looked at, that of a container or another host is believed for half a day', () => {
  const mark = JSON.parse(uploaderMark()) as Record<string, unknown>;
  const of = (changes: object) => uploaderOf(image('1', { vmkiln_uploading: JSON.stringify({ ...mark, ...changes }) }));
  const parent = { pid: process.ppid, startTime: startTimeOf(process.ppid) };
  expect(of({})).toBe('gone');
  expect(of(parent)).toBe('alive');
  expect(of({ ...parent, startTime: '1' })).toBe('gone');
  expect(of({ ...parent, startTime: '1', namespace: 'pid:[1]' })).toBe('elsewhere');
  expect(of({ bootId: 'x', namespace: 'pid:[1]' })).toBe('elsewhere');
  expect(of({ bootId: 'x', host: 'localhost.localdomain' })).toBe('elsewhere');
  expect(of({ bootId: 'x', host: 'another', at: new Date(Date.now() - 90_000_000).toISOString() })).toBe('gone');
});

const startTimeOf = (pid: number) =>
  readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ')[19];

test('the method follows from what the cloud offers and what is asked for', () => {
  const choose = (changes: Partial<Parameters<typeof chooseMethod>[0]>) =>
    chooseMethod({
      cloud: 'c',
      wanted: 'auto',
      offered: ['glance-direct', 'web-download', 'copy-image'],
      known: ['a', 'b'],
      stores: [],
      hasLocation: false,
      signed: false,
      ...changes,
    });
  expect(choose({})).toBe('put');
  expect(choose({ stores: ['a', 'b'] })).toBe('glance-direct');
  expect(choose({ stores: ['a', 'b'], offered: ['copy-image'] })).toBe('put');
  expect(choose({ hasLocation: true })).toBe('web-download');
  expect(choose({ hasLocation: true, offered: [] })).toBe('task');
  expect(() => choose({ stores: ['c'] })).toThrow('has no store c');
  expect(() => choose({ wanted: 'glance-direct', offered: [] })).toThrow('does not offer');
  expect(() => choose({ wanted: 'glance-direct', signed: true })).toThrow('signed image');
});

test('an import ends by its status or by its task, whichever says more', () => {
  const failure = [{ id: 't', status: 'failure', message: 'no space' }];
  expect(judgeImport(image('1'), [], true)).toMatchObject({ how: 'active' });
  expect(judgeImport(image('1', { status: 'importing' }), failure, true)).toEqual({
    how: 'failed',
    message: 'no space',
  });
  expect(judgeImport(image('1', { status: 'importing' }), [], true)).toBeUndefined();
  expect(judgeImport(image('1', { status: 'queued' }), [], true)).toMatchObject({ how: 'failed' });
  expect(judgeImport(image('1', { status: 'queued' }), [], false)).toBeUndefined();
  expect(judgeImport(image('1', { os_glance_importing_to_stores: 'b' }), [], true)).toBeUndefined();
  expect(judgeImport(image('1'), [{ id: 't', status: 'processing', message: '' }], true)).toBeUndefined();
  expect(judgeImport(image('1', { os_glance_failed_import: 'b' }), [], true)).toMatchObject({ how: 'failed' });
  expect(judgeImport(undefined, [], true)).toMatchObject({ how: 'failed' });
});

test('signatures have the bytes that the service verifies: PSS with the longest salt, ECDSA in DER', async () => {
  const data = Buffer.from('image');
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const signed = await signStream(Readable.from([data]), rsa.privateKey, 'SHA-256');
  expect(signed).toMatchObject({ img_signature_hash_method: 'SHA-256', img_signature_key_type: 'RSA-PSS' });
  const key = {
    key: createPublicKey(rsa.privateKey),
    padding: constants.RSA_PKCS1_PSS_PADDING,
    saltLength: 256 - 32 - 2,
  };
  expect(verify('sha256', data, key, Buffer.from(signed.img_signature, 'base64'))).toBe(true);
  const ec = generateKeyPairSync('ec', { namedCurve: 'secp384r1' });
  const ecdsa = await signStream(Readable.from([data]), ec.privateKey, 'SHA-384');
  expect(ecdsa.img_signature_key_type).toBe('ECC_SECP384R1');
  expect(Buffer.from(ecdsa.img_signature, 'base64')[0]).toBe(0x30);
  expect(() => signatureOf({ img_signature: 'x' })).toThrow('verifies none');
  expect(createHash('sha256').update(data).digest('hex')).toHaveLength(64);
});

test('the properties follow from the system, and an empty one takes away', () => {
  expect(osProperties('rhel7.9')).toEqual({
    os_name: 'rhel7.9',
    os_type: 'linux',
    os_distro: 'rhel',
    os_version: '7.9',
  });
  expect(osProperties('win2k22')).toMatchObject({ os_name: 'win2k22', os_type: 'windows', os_distro: 'windows' });
  const built = {
    path: '/x',
    name: 'rhel7',
    format: 'qcow2' as const,
    sha256: 'a',
    size: 1,
    build: 'b',
    serial: '0',
    rehearsal: true,
    properties: { hw_disk_bus: 'virtio', hw_vif_model: 'virtio' },
    documents: [{ kind: 'sbom', suffix: '.cdx.json', text: '', sha256: 'c' }],
  };
  const said = wantedImage(built, {
    ...glanceSchema.parse({ name: 'golden', tags: ['a', 'b', 'a'], properties: { hw_vif_model: '', mine: 'x' } }),
    cloud: 'c',
  } as never);
  expect(said).toMatchObject({ name: 'golden-rehearsal', disk_format: 'qcow2', tags: ['a', 'b'] });
  expect(said.properties).toEqual({
    hw_disk_bus: 'virtio',
    mine: 'x',
    vmkiln_sha256: 'a',
    vmkiln_build: 'b',
    vmkiln_sbom_sha256: 'c',
    vmkiln_rehearsal: 'true',
  });
});

test('properties are checked against the definitions of the cloud', () => {
  const definitions = new Map([
    ['hw_disk_bus', { type: 'string', enum: ['virtio', 'scsi'] }],
    ['hw_cpu_cores', { type: 'integer', minimum: 1 }],
  ]);
  expect(checkProperties({ hw_disk_bus: 'scsi', hw_cpu_cores: '2', os_name: 'rhel7', mine: 'x' }, definitions)).toEqual(
    { wrong: [], doubtful: [] },
  );
  expect(checkProperties({ hw_disk_bus: 'floppy', hw_cpu_cores: '0' }, definitions).wrong).toHaveLength(2);
  expect(checkProperties({ hw_disk_buss: 'scsi' }, definitions).doubtful).toEqual([
    expect.stringContaining('did you mean'),
  ]);
});

test('an application credential comes without a scope, and no secret is in an error', async () => {
  const base = { OS_AUTH_URL: 'http://id:5000/v3', OS_USERNAME: 'me', OS_PASSWORD: 'hush-hush', HOME: '/nowhere' };
  const read = (env: Record<string, string>) => readCloud({ env: { ...base, ...env }, cwd: '/' });
  const scoped = identity(await read({ OS_PROJECT_NAME: 'p', OS_USER_DOMAIN_NAME: 'd' }));
  expect(scoped).toEqual({
    url: 'http://id:5000/v3/auth/tokens',
    body: {
      auth: {
        identity: {
          methods: ['password'],
          password: { user: { name: 'me', domain: { name: 'd' }, password: 'hush-hush' } },
        },
        scope: { project: { name: 'p', domain: { id: 'default' } } },
      },
    },
  });
  const credential = {
    OS_AUTH_TYPE: 'v3applicationcredential',
    OS_APPLICATION_CREDENTIAL_ID: 'i',
    OS_APPLICATION_CREDENTIAL_SECRET: 's',
  };
  expect(identity(await read(credential)).body).toEqual({
    auth: { identity: { methods: ['application_credential'], application_credential: { id: 'i', secret: 's' } } },
  });
  const cloud = await read({});
  expect(() => identity(cloud)).toThrow('has no project_name');
  expect(() => identity(cloud)).not.toThrow('hush');
});

test('the words of a service are found in JSON, HTML and plain text', () => {
  expect(wordsOf('{"message": "Not <b>here</b><br /><br />", "code": "404"}')).toBe('Not here');
  expect(wordsOf('{"error": {"message": "no", "code": 401}}')).toBe('no');
  expect(
    wordsOf('<html><head><title>x</title></head><body><h1>403 Forbidden</h1> You may &quot;not&quot;</body></html>'),
  ).toBe('403 Forbidden You may "not"');
});
