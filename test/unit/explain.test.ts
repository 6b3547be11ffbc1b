import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { findCauses } from '../../src/explain/explain.ts';
import { linesThatMatter, type Log } from '../../src/explain/logs.ts';
import { knownFailures } from '../../src/pipeline/explain-build.ts';

const nothing: Log = { file: 'events.ndjson', text: '' };

/** The excerpts of a file of fixtures: `== ID LOG`, lines, and `=> SENTENCE` where one is expected. */
function excerpts(name: string): { id: string; log: Log; sentence: string | undefined }[] {
  const text = readFileSync(new URL(`../fixtures/${name}`, import.meta.url), 'utf8');
  return text
    .split(/^== (?=\S+ \S+$)/m)
    .slice(1)
    .map((part) => {
      const [head = '', ...lines] = part.trimEnd().split('\n');
      const [id = '', file = ''] = head.split(' ');
      const sentence = lines.at(-1)?.startsWith('=> ') ? lines.pop()?.slice(3) : undefined;
      return { id, log: { file, text: lines.join('\n') }, sentence };
    });
}

const known = excerpts('failures.txt');

function causesIn(log: Log) {
  return log.file === 'events.ndjson' ? findCauses([], log, knownFailures) : findCauses([log], nothing, knownFailures);
}

test.each(known)('$id is named with its evidence', ({ id, log, sentence }) => {
  const [best] = causesIn(log);
  expect(best).toMatchObject({ id, cause: sentence, file: log.file });
  const line = log.text.split('\n')[(best?.line ?? 0) - 1];
  expect(line?.replaceAll('#012', ' ')).toContain(best?.text.slice(0, 40));
  expect(best?.remedy ?? '').not.toMatch(/\{\w+\}/);
});

test('every known failure has an excerpt, and an id of its own', () => {
  const ids = knownFailures.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.filter((id) => !known.some((excerpt) => excerpt.id === id))).toEqual([]);
});

test('what helps names keys that recipes have', () => {
  const reference = readFileSync(new URL('../../docs/recipe.md', import.meta.url), 'utf8');
  const sections =
    'disk|machine|install|source|subscription|proxy|repositories|packages|productKey|caCertificates|customize';
  const words = knownFailures.flatMap(({ remedy = '' }) =>
    [...remedy.matchAll(/`([\w.[\]]+)`/g)].map(([, word = '']) => word),
  );
  const keys = words.filter((word) => new RegExp(`^(${sections})\\b`).test(word));
  expect(keys.length).toBeGreaterThan(20);
  expect(keys.filter((key) => !reference.includes(`\`${key}\``))).toEqual([]);
});

test.each(excerpts('good-logs.txt'))('nothing is seen in a good $log.file', ({ log }) => {
  expect(causesIn(log)).toEqual([]);
});

test('the words of the failure itself come before what only a log has', () => {
  const log = {
    file: 'logs/03-customize-virt-customize.log',
    text: 'error: cannot open Packages database in /var/lib/rpm\nError: Unable to find a match: a',
  };
  const said = { file: 'events.ndjson', text: 'virt-customize exited with status 1: Error: Unable to find a match: a' };
  expect(findCauses([log], nothing, knownFailures)[0]?.id).toBe('dnf.database');
  const [first, second] = findCauses([log], said, knownFailures);
  expect(first).toMatchObject({ id: 'dnf.no-match', file: log.file, line: 2 });
  expect(second?.id).toBe('dnf.database');
});

test('a program is not explained by the words of another', () => {
  const text = 'E: Unable to locate package foo';
  expect(findCauses([{ file: 'logs/02-install-virt-install.log', text }], nothing, knownFailures)).toEqual([]);
});

test.each([
  'ERROR: Could not find a version that satisfies the requirement foo==9 (from versions: 1)\nERROR: No matching distribution found for foo==9',
  'npm ERR! code E404\nnpm ERR! 404 Not Found - GET https://registry.example.com/foo - Not found',
  'tar: /srv/app.tar: Cannot open: No such file or directory\ntar: Error is not recoverable: exiting now',
  'gpg: no valid OpenPGP data found.',
  'install: cannot create regular file /opt/x: Permission denied',
  'make: *** [Makefile:12: all] Error 2',
  "sed: can't read /etc/foo.conf: No such file or directory",
  'Synchronizing state of foo.service with SysV service script\nFailed to enable unit: Unit file foo.service does not exist.',
  'Job for httpd.service failed because the control process exited with error code.',
  'usermod: user app does not exist',
])('a step of a user that fails for a reason of its own is explained by nothing else: %j', (text) => {
  const log = { file: 'logs/03-customize-virt-customize.log', text };
  const said = `${text}\nvirt-customize: error: /tmp/x.sh: command exited with an error`;
  expect(findCauses([log], nothing, knownFailures)).toEqual([]);
  expect(causesIn({ ...log, text: said }).map(({ id }) => id)).toEqual(['guestfs.command']);
  expect(linesThatMatter([{ ...log, text: said }]).length).toBeGreaterThan(0);
});

test('colours, stamps and line ends of the serial line are no hindrance, and lines keep their numbers', () => {
  const text = 'one\r\n\u001b[31m15:04:02,409 ERR anaconda: No usable disks.\u001b[0m\r\n';
  const [cause] = findCauses([{ file: 'console.log', text, first: 101 }], nothing, knownFailures);
  expect(cause).toMatchObject({ id: 'anaconda.no-disk', line: 102, text: 'No usable disks.' });
});

test('of an unknown failure the last lines that tell of trouble matter, else the end', () => {
  const quiet = { file: 'a', text: 'one\ntwo\n' };
  const loud = {
    file: 'b',
    text: ['start', ...Array.from({ length: 12 }, (_, n) => `step ${n} failed`), 'end'].join('\n'),
  };
  const lines = linesThatMatter([loud, quiet]);
  expect(lines).toHaveLength(10);
  expect(lines[0]).toEqual({ file: 'b', line: 4, text: 'step 2 failed' });
  expect(linesThatMatter([quiet]).map(({ text }) => text)).toEqual(['one', 'two']);
});
