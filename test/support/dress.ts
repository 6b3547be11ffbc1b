import { execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DistributionName } from '../../src/families/rhel/distributions.ts';
import { rhelRelease } from '../../src/families/rhel/releases.ts';
import { releaseFolder } from '../../src/rehearsal/practice-dvd.ts';

/** The distributions that are made like RHEL, with a release of each that is tried. */
export const dressed: readonly (readonly [DistributionName, string])[] = [
  ['centos', '7.9'],
  ['centos-stream', '9'],
  ['centos-stream', '10'],
  ['rocky', '8.10'],
  ['rocky', '9.6'],
  ['rocky', '10.0'],
  ['almalinux', '8.10'],
  ['almalinux', '9.6'],
  ['almalinux', '10.0'],
  ['oracle', '7.9'],
  ['oracle', '9.6'],
  ['fedora', '43'],
];

/** What the practice DVD of a distribution has: the folder with the files of its release package, its .treeinfo, and what its installer goes by. */
export function dress(
  distribution: DistributionName,
  release: string,
): { root: string; treeinfo: string; facts: string } {
  const work = mkdtempSync(join(tmpdir(), 'vmkiln-dress-'));
  const like = releaseFolder(`${rhelRelease({ distribution, release }).major}`);
  const media = (step: string) =>
    execFileSync('sh', [join(like, '../media.sh'), step, like, '/none', work, distribution, release], {
      encoding: 'utf8',
    });
  media('dress');
  return { root: join(work, 'dress'), treeinfo: media('treeinfo'), facts: media('facts') };
}
