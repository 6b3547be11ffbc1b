import { spawn } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type MetadataService, serveMetadata } from '../../src/verify/metadata-service.ts';
import { metadataService } from '../../src/verify/seed.ts';

const script = `#!/bin/sh\n${'echo "ü"\n'.repeat(20_000)}`;
const instance = { id: '6f7a2f3e-0b43-4d3a-9f4c-0c9c3f1f1a11', hostname: 'clone', publicKey: 'ssh-rsa AAAA', script };
let service: MetadataService;
beforeAll(async () => void (service = await serveMetadata(metadataService(instance).files)));
afterAll(() => service.close());

/** What a guest gets for a request, which stays connected: the forwarder has its connection, as QEMU gives it, and ends by itself. */
function ask(path: string): Promise<string> {
  return new Promise((resolve) => {
    const child = spawn('sh', ['-c', `exec ${service.forwarder}`], { stdio: ['pipe', 'pipe', 'inherit'] });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.on('close', () => resolve(Buffer.concat(chunks).toString()));
    child.stdin.write(`GET ${path} HTTP/1.1\r\nHost: 169.254.169.254\r\n\r\n`);
  });
}

const bodyOf = (answer: string) => answer.slice(answer.indexOf('\r\n\r\n') + 4);

test('an instance is told of itself by the metadata service, in both of its forms, and of nothing else', async () => {
  const [versions, document, userData, ec2, key, ...others] = await Promise.all(
    ['/openstack/', '/openstack/latest/meta_data.json', '/openstack/latest/user_data', '/latest/meta-data/']
      .concat('/latest/meta-data/public-keys/0/openssh-key', '/openstack/latest/vendor_data.json', '/../../etc/passwd')
      .map(ask),
  );
  expect(bodyOf(versions ?? '')).toContain('latest');
  expect(JSON.parse((document ?? '').match(/^\{.*\}$/m)?.[0] ?? '')).toMatchObject({
    uuid: instance.id,
    hostname: 'clone.novalocal',
    public_keys: { vmkiln: instance.publicKey },
  });
  expect((userData ?? '').includes('echo "ü"\necho "ü"\n') && (userData ?? '').length).toBeGreaterThan(180_000);
  expect(bodyOf(ec2 ?? '').split(/\r?\n/)).toEqual(expect.arrayContaining(['instance-id', 'public-keys/']));
  expect(key).toContain(instance.publicKey);
  for (const answer of others) expect(answer).toMatch(/^HTTP\/1.1 404 /);
});
