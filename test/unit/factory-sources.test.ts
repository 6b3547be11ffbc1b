import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { familyOf, loadRecipe } from '../../src/families/index.ts';
import { repositoryReader, watchedBy } from '../../src/factory/repositories.ts';

async function sourcesOf(name: string) {
  const { recipe } = await loadRecipe(`recipes/${name}.yaml`, {});
  const { repositories, unseen } = familyOf(recipe).packageSources(recipe);
  return { places: watchedBy({}, { repositories, ca: [], unseen }).map(({ place }) => place), unseen };
}

test.each<[string, string[], string[]]>([
  ['rhel9', [], ["the repositories of Red Hat's subscription"]],
  ['rhel7-kvm-guest', [], []],
  [
    'rocky9',
    ['BaseOS', 'AppStream', 'extras'].map((name) => `https://dl.rockylinux.org/pub/rocky/9/${name}/x86_64/os/`),
    [],
  ],
  // It has ended: nothing new comes.
  ['centos7', [], []],
  [
    'debian12',
    [
      'http://deb.debian.org/debian bookworm main',
      'http://deb.debian.org/debian bookworm-updates main',
      'http://security.debian.org/debian-security bookworm-security main',
    ],
    [],
  ],
  // It installs no updates unless told to.
  ['windows-2022', [], []],
])('where new packages of %s come from', async (name, places, unseen) => {
  expect(await sourcesOf(name)).toEqual({ places, unseen });
});

test('a repository that wants a certificate is shown one, and nobody else is', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'entitlement-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  execFileSync(
    'openssl',
    ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', cert, ...names],
    {
      stdio: 'ignore',
    },
  );
  const pem = { key: readFileSync(key), cert: readFileSync(cert), ca: readFileSync(cert) };
  const server = createServer({ ...pem, requestCert: true, rejectUnauthorized: true }, (_request, response) =>
    response.end(
      '<repomd><data type="primary"><checksum type="sha256">ab12</checksum><location href="repodata/p.xml"/></data></repomd>',
    ),
  ).listen(0);
  await once(server, 'listening');
  const rpm = `https://localhost:${(server.address() as AddressInfo).port}/content`;
  const nothing = { repositories: [], ca: [], unseen: [] };
  const [with_, without] = [{ certificate: cert, key, ca: cert }, { ca: cert }].flatMap((files) =>
    watchedBy({ watch: [{ rpm, ...files }] }, nothing),
  );
  if (!with_ || !without) throw new Error('two repositories were named');
  const options = { signal: new AbortController().signal, progress: () => undefined, retryDelay: 1 };
  await expect(repositoryReader(options).state(with_)).resolves.toMatchObject({ digest: 'ab12' });
  await expect(repositoryReader(options).state(without)).rejects.toMatchObject({ code: 'MEDIA_DOWNLOAD' });
  server.closeAllConnections();
  server.close();
});
