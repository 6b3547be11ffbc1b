import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';

/** What `npm version` does with this changelog once package.json has the version 0.2.0. */
function release(changelog: string): { status: number | null; changelog: string } {
  const folder = mkdtempSync(join(tmpdir(), 'vmkiln-version-'));
  writeFileSync(join(folder, 'package.json'), '{ "version": "0.2.0" }');
  writeFileSync(join(folder, 'CHANGELOG.md'), changelog);
  const { status } = spawnSync(process.execPath, [resolve('scripts/version.mjs')], { cwd: folder });
  return { status, changelog: readFileSync(join(folder, 'CHANGELOG.md'), 'utf8') };
}

test('a release gives the heading of its version the date, and none that the changelog does not begin with', () => {
  const older = '## [0.1.0] - 2026-11-29\n\n- A.\n';
  const { status, changelog } = release(`# Changelog\n\n## [0.2.0] - unreleased\n\n- B.\n\n${older}`);
  expect(status).toBe(0);
  expect(changelog).toMatch(
    /^# Changelog\n\n## \[0\.2\.0\] - \d{4}-\d\d-\d\d\n\n- B\.\n\n## \[0\.1\.0\] - 2026-11-29\n/,
  );
  for (const text of [
    older,
    `## [0.3.0] - unreleased\n\n${older}`,
    `## [0.2.0] - 2026-11-30\n\n${older}`,
    '## [0.3.0] - 2026-12-01\n\n## [0.2.0] - unreleased\n',
  ]) {
    expect(release(text)).toEqual({ status: 1, changelog: text });
  }
});
