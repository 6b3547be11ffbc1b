import { expect, test } from 'vitest';
import type { BuildRecord } from '../../src/pipeline/builds.ts';
import { explainedText } from '../../src/ui/explained-text.ts';

const build: BuildRecord = {
  ...{ version: 1, build: 'web-20260102-030405-ab12', name: 'web', recipe: '/r/web.yaml', rehearsal: false },
  ...{ status: 'failed', outcome: 'failed', folder: '/b', startedAt: '2026-01-02T03:04:05.000Z' },
  ...{ stages: [], published: [], warnings: [] },
  failure: { code: 'TARGET_FAILED', stage: 'upload', message: 'prod answered 413', hint: 'remove images' },
};
const cause = {
  id: 'x',
  title: '',
  source: '',
  cause: 'the store is full',
  file: 'logs/a.log',
  line: 7,
  text: 'Full.',
};

test('a known failure has its evidence and remedy, which is what the error advises where the catalogue has none', () => {
  const other = { ...cause, cause: 'a disk is full', line: 9, remedy: 'make room' };
  expect(explainedText(build, { causes: [cause, other], lines: [] })).toBe(
    [
      'web-20260102-030405-ab12 failed in upload: the store is full',
      '  seen: /b/logs/a.log:7',
      '        Full.',
      '  next: remove images',
      '',
      'also seen:',
      '  a disk is full',
      '    logs/a.log:9',
    ].join('\n'),
  );
  expect(explainedText(build, { causes: [other], lines: [] })).toContain('\n  next: make room');
});

test('an unknown failure says so, with what was said and the lines that matter', () => {
  expect(explainedText(build, { causes: [], lines: [{ file: 'logs/a.log', line: 3, text: 'oh no' }] })).toBe(
    [
      'web-20260102-030405-ab12 failed in upload',
      '  This failure is not among those that vmkiln knows.',
      '  said: prod answered 413',
      '',
      'the lines that matter most:',
      '  logs/a.log:3: oh no',
      '  next: remove images',
    ].join('\n'),
  );
});
