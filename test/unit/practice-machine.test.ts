import { execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { anaconda } from '../../src/families/rhel/anaconda.ts';
import { releaseFolder } from '../../src/rehearsal/practice-dvd.ts';
import { rendered, rhelRecipe } from '../support/rhel.ts';

const program = `
import sys
import kickstart, machine
path, release, tainted = sys.argv[1:]
table = kickstart.load_commands(release + "/commands")
print(machine.question(kickstart.read(path, table), table, int(tainted)) or "")
`;

/** What the practice installer asks about a machine, by the kernel's `tainted`. */
function question(kickstart: string, release: string, tainted: number): string {
  const file = join(mkdtempSync(join(tmpdir(), 'practice-machine-')), 'x.ks');
  writeFileSync(file, kickstart);
  const env = { ...process.env, PYTHONPATH: join(releaseFolder(release), '../installer') };
  const args = ['-B', '-c', program, file, releaseFolder(release), String(tainted)];
  // What it writes to stderr is in the message of the error that is thrown.
  return execFileSync('python3', args, { encoding: 'utf8', env, stdio: 'pipe' }).trim();
}

test.each(['6.10', '7.9'])(
  'RHEL %s asks about a CPU that is newer than itself, unless the kickstart answers',
  async (release) => {
    const shipped = rendered(await rhelRecipe('', release), 'ks.cfg').text;
    const silent = shipped.replace(/^unsupported_hardware\n/m, '');
    expect(silent).not.toBe(shipped);
    expect(question(shipped, release, 2 ** 28)).toBe('');
    expect(question(silent, release, 2 ** 12)).toBe('');
    const lines = question(silent, release, 2 ** 28 + 1).split('\n');
    const fatal = anaconda.fatal.map((pattern) => new RegExp(pattern));
    // The title of its window, and the first line of the text where there is none.
    for (const line of [lines[0] ?? '', lines[2] ?? ''])
      expect(
        fatal.some((pattern) => pattern.test(line)),
        line,
      ).toBe(true);
  },
);

test('later releases ask nothing and do not know the command', async () => {
  const shipped = rendered(await rhelRecipe('', '8.10'), 'ks.cfg').text;
  expect(question(shipped, '8.10', 2 ** 28)).toBe('');
  expect(() => question(`${shipped}\nunsupported_hardware\n`, '8.10', 0)).toThrow(/Unknown command/);
});
