import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openEventLog } from '../../src/pipeline/events.ts';
import { readEvents } from '../../src/pipeline/event-file.ts';
import { freshFolder } from '../support/vmkiln.ts';

test('lines of a log that were lost, for the disk was full, are there once it has room again', async () => {
  const folder = join(freshFolder('log'), 'later');
  const log = openEventLog(folder, 'b', () => undefined);
  log.emit({ type: 'warning', message: 'lost' });
  mkdirSync(folder);
  log.emit({ type: 'warning', message: 'kept' });
  expect((await readEvents(folder)).map((event) => 'message' in event && event.message)).toEqual(['kept']);
  await log.mend();
  expect(readFileSync(join(folder, 'events.ndjson'), 'utf8')).toMatch(/^\{.*"lost"\}\n\{.*"kept"\}\n$/);
});
