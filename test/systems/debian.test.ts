import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Verdict } from '../../src/verify/verdict.ts';
import { openImage, packagesIn, run } from '../support/image.ts';
import { verifyChecks } from '../support/verify.ts';
import { freshFolder, vmkiln } from '../support/vmkiln.ts';

const checks = [
  { file: '/etc/hosts', contains: '\n127.0.1.1 clone-two' },
  { run: 'dpkg-query -s qemu-guest-agent', expect: 'Status: install ok installed' },
  { run: 'getent shadow root | cut -d: -f2', expect: '*' },
  { run: 'test ! -e /usr/sbin/policy-rc.d' },
  // The mirror of the build's host serves an instance too: what the image knows of archives still works.
  { run: 'test -z "$(apt-get -qq update 2>&1)"', timeout: '5m' },
  { run: 'wc -c < /etc/machine-id', expect: '33' },
  { run: 'test "$(cat /etc/of-the-image)" != "$(cat /etc/nvme/hostnqn)"' },
];

test('Debian 12 is customized by the real APT, and verified: its clones do what a cloud expects', async () => {
  const folder = freshFolder('debian');
  const shipped = readFileSync('recipes/debian12.yaml', 'utf8');
  const more = `customize: [{ run: "cp /etc/nvme/hostnqn /etc/of-the-image" }]
verify: ${JSON.stringify({ checks, network: true, metadataService: true })}
`;
  writeFileSync(join(folder, 'debian.yaml'), shipped.replace('packages: [', 'packages: [jq, nvme-cli, ') + more);
  const build = await vmkiln(
    ['rehearse', join(folder, 'debian.yaml'), '--set', 'size=5G', '--out', folder, '--ui', 'json'],
    { timeout: 2700 },
  );
  expect(build.status, build.stderr).toBe(0);
  const image = join(folder, 'debian12-rehearsal.qcow2');
  expect(readdirSync(folder)).toContain('debian12-rehearsal.qcow2.sha256');
  const started = build.events.find((event) => event.type === 'build-started');
  // Looked into and read in one launch.
  const logs = readdirSync(join(started?.folder ?? '', 'logs'));
  expect(logs.filter((name) => name.includes('guestfish')).length).toBeLessThan(2);
  const { results } = JSON.parse(readFileSync(join(started?.folder ?? '', 'verify.json'), 'utf8')) as Verdict;
  expect(results).toHaveLength(verifyChecks.length + checks.length);
  expect(results.filter(({ outcome }) => outcome === 'failed')).toEqual([]);
  // The bill of materials has what dpkg has, and nothing else.
  const guest = await openImage(image, ['/var/lib/dpkg']);
  const format = '${db:Status-Abbrev}${Package} ${Version}\\n';
  const installed = await run('dpkg-query', ['--admindir', guest.path('/var/lib/dpkg'), '-W', '-f', format]);
  const wanted = installed.split('\n').flatMap((line) => /^ii {1,2}(.+)$/.exec(line)?.[1] ?? []);
  expect(packagesIn(image)).toEqual(wanted.toSorted());
  // The image was only read.
  await run('qemu-img', ['check', '-q', '-f', 'qcow2', image]);
});
