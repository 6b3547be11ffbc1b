import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { readKickstart } from '../../src/families/rhel/kickstart/syntax.ts';
import { releaseFolder } from '../../src/rehearsal/practice-dvd.ts';

/** What pykickstart says: a kickstart, and whether RHEL 6, 7, 8, 9, 10 accept it (scripts/kickstart/verdicts.py). */
const verdicts = gunzipSync(readFileSync('test/fixtures/kickstart-verdicts.gz'))
  .toString()
  .trim()
  .split('\n')
  .map((line) => line.split('\t'))
  .map(([accepted = '', text = '']) => ({ accepted, text: text.replaceAll(String.raw`\n`, '\n') }));

/** Slips of pykickstart's own: it looks at no unknown option of volgroup, and takes some empty values for none, others not. */
const slips = /^volgroup .* --nonsense$|^harddrive .*--(partition|biospart)=$|^zfcp .* --devnum=$/;

const refuses = (text: string, major: number) =>
  readKickstart(text, major).remarks.some(({ level }) => level === 'error');

describe.each([6, 7, 8, 9, 10])('RHEL %i', (major) => {
  const accepts = ({ accepted }: { accepted: string }) => accepted['6 7 8 9 10'.split(' ').indexOf(`${major}`)] === '+';

  test('the lint refuses what pykickstart refuses, and nothing else', () => {
    const wrong = verdicts.filter((one) => refuses(one.text, major) === accepts(one) && !slips.test(one.text));
    expect(wrong.map(({ text }) => text)).toEqual([]);
    expect(verdicts.length).toBeGreaterThan(4000);
  });

  test('and so does the practice installer, of the first hundred and some of the others', () => {
    const some = verdicts.filter((one, index) => (index < 100 || index % 50 === 0) && !slips.test(one.text));
    const folder = mkdtempSync(join(tmpdir(), 'verdicts-'));
    const files = some.map(({ text }, index) => {
      writeFileSync(join(folder, `${index}.ks`), text);
      return join(folder, `${index}.ks`);
    });
    const release = releaseFolder(`${major}`);
    const args = ['-B', join(release, '../installer/kickstart.py'), join(release, 'commands'), ...files];
    const said = execFileSync('python3', args, { encoding: 'utf8' }).trim().split('\n');
    const wrong = some.filter((one, index) => 'error' in JSON.parse(said[index] ?? '{}') === accepts(one));
    expect(wrong.map(({ text }) => text)).toEqual([]);
  });
});
