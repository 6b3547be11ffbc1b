import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { DistributionName } from '../../src/families/rhel/distributions.ts';
import { dress } from '../support/dress.ts';
import { run } from '../support/image.ts';
import { freshFolder } from '../support/vmkiln.ts';

/** What libguestfs makes of each: it has no name for AlmaLinux, and none of its own for CentOS Stream. */
const known: readonly (readonly [DistributionName, string, string])[] = [
  ['centos', '7.9', 'centos 7 9 CentOS Linux release 7.9.2009 (Core)'],
  ['centos-stream', '9', 'centos 9 0 CentOS Stream release 9'],
  ['almalinux', '10.0', 'redhat-based 10 0 AlmaLinux release 10.0 (Purple Lion)'],
  ['oracle', '9.6', 'oraclelinux 9 6 Oracle Linux Server release 9.6'],
  ['fedora', '43', 'fedora 43 0 Fedora Linux 43 (Server Edition)'],
];

/** A disk with what the release package of a distribution puts on it, and what else libguestfs takes for a system. */
async function disk(folder: string, distribution: DistributionName, release: string): Promise<string> {
  const { root } = dress(distribution, release);
  for (const name of ['bin', 'var']) mkdirSync(join(root, name));
  writeFileSync(join(root, 'etc/fstab'), '/dev/sda / ext4 defaults 1 1\n');
  const path = join(folder, distribution);
  await run('mke2fs', ['-q', '-F', '-t', 'ext4', '-d', root, path, '8M']);
  return path;
}

/** Rocky Linux is rehearsed whole in hybrid.test.ts. */
test('libguestfs knows what each practice DVD installs as its distribution', async () => {
  const folder = freshFolder('dressed');
  const disks = await Promise.all(known.map(([distribution, release]) => disk(folder, distribution, release)));
  const questions = disks.flatMap((_, index) =>
    ['distro', 'major-version', 'minor-version', 'product-name'].map(
      (what) => `inspect-get-${what} /dev/sd${'abcdef'[index]}\n`,
    ),
  );
  const script = join(folder, 'script');
  writeFileSync(script, `run\ninspect-os\n${questions.join('')}`);
  const said = await run(
    'guestfish',
    [...disks.flatMap((path) => ['--ro', '--format=raw', '-a', path]), '-f', script],
    300,
  );
  const [, ...answers] = said.trim().split(/(?<=\/dev\/sde)\n/);
  const lines = answers.join('').split('\n');
  expect(known.map((_, index) => lines.slice(4 * index, 4 * index + 4).join(' '))).toEqual(
    known.map(([, , text]) => text),
  );
});
