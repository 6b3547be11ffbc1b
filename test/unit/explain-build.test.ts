import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { readLogs } from '../../src/pipeline/build-logs.ts';
import { explain, explanationOf } from '../../src/pipeline/explain-build.ts';

/** The folder of a build with these files. */
function folderWith(files: Readonly<Record<string, string | Buffer>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'build-'));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

const noMatch = 'Error: Unable to find a match: foo\n';

test('the logs of the failed stage count, and those of the machine when its installation failed', async () => {
  const folder = folderWith({
    'installer.log': 'i\n',
    'console.log': 'c\n',
    'failure/installer.log': 'i\n',
    'failure/console.log': 'c\n',
    'logs/01-disk-qemu-img.log': 'd\n',
    'logs/02-install-virt-install.log': 'v\n',
    'logs/10-install-virsh.log': 'x\n',
    'logs/11-sysprep-virt-sysprep.log': 's\n',
  });
  const names = async (of: Parameters<typeof readLogs>[1]) => (await readLogs(folder, of)).map(({ file }) => file);
  expect(await names({ stage: 'install', isInstallation: true })).toEqual([
    'installer.log',
    'console.log',
    'logs/02-install-virt-install.log',
  ]);
  expect(await names({ stage: 'sysprep', isInstallation: false })).toEqual(['logs/11-sysprep-virt-sysprep.log']);
});

test("Windows' own logs are read in their archive, in UTF-16 too, errors first", async () => {
  const utf16 = Buffer.from('\ufeffone\r\nError SYSPRP BitLocker is on for the OS volume.\r\n', 'utf16le');
  const folder = folderWith({
    'panther/setupact.log': 'Info all is well\n',
    'panther/setuperr.log': utf16,
    'failure/console.log': '',
  });
  execFileSync('tar', ['-C', join(folder, 'panther'), '-cf', join(folder, 'failure/Windows-Panther.tar'), '.']);
  const failure = {
    code: 'INSTALL_FAILED',
    message: 'the installer stopped',
    stage: 'install',
    bundle: `${folder}/failure`,
  };
  const { causes } = await explain(folder, failure);
  expect(causes[0]).toMatchObject({
    id: 'sysprep.bitlocker',
    file: 'failure/Windows-Panther.tar:setuperr.log',
    line: 2,
  });
});

test('of a long log the end is read, and its lines keep their numbers', async () => {
  const folder = folderWith({ 'logs/02-customize-virt-customize.log': `${'a line\n'.repeat(2_000_000)}${noMatch}` });
  const failure = { code: 'COMMAND_FAILED', message: 'virt-customize exited with status 1', stage: 'customize' };
  expect((await explain(folder, failure)).causes[0]).toMatchObject({ id: 'dnf.no-match', line: 2_000_001 });
});

test('what vmkiln words itself is its own cause, and an interruption is explained by no log', async () => {
  const folder = folderWith({
    'events.ndjson': '{"type":"build-started"}\n{"type":"failed"}\n',
    'logs/02-customize-virt-customize.log': noMatch,
  });
  const interrupted = { code: 'INTERRUPTED', message: 'stopped by SIGINT', hint: 'run it again', stage: 'customize' };
  expect((await explain(folder, interrupted)).causes).toMatchObject([
    { id: 'INTERRUPTED', cause: 'stopped by SIGINT', remedy: 'run it again', file: 'events.ndjson', line: 2 },
  ]);
  expect(await explanationOf(folder, interrupted, [])).toBeUndefined();
});

test('an installation that stalled is its own cause, with the last lines, unless a log says more', async () => {
  const failure = {
    ...{ code: 'INSTALL_STALLED', stage: 'install', hint: 'look at screenshot.png first' },
    message: 'nothing moved for 900 s while partitioning: the installer is probably waiting for an answer',
  };
  const quiet = await explain(folderWith({ 'console.log': 'one\ntwo\n' }), failure);
  expect(quiet.causes).toMatchObject([{ id: 'INSTALL_STALLED', cause: failure.message, remedy: failure.hint }]);
  expect(quiet.lines.map(({ text }) => text)).toEqual(['one', 'two']);
  const asked = folderWith({ 'console.log': '  Please make your choice from above [q to quit]: \n' });
  expect((await explain(asked, failure)).causes[0]).toMatchObject({ id: 'anaconda.question', line: 1 });
});

test('an unknown failure shows the lines that matter', async () => {
  const folder = folderWith({ 'logs/02-customize-virt-customize.log': 'fine\nfrobnicator: fatal: no frobs\n' });
  const failure = { code: 'COMMAND_FAILED', message: 'frobnicator exited with status 7', stage: 'customize' };
  const { causes, lines } = await explain(folder, failure);
  expect(causes).toEqual([]);
  expect(lines).toEqual([
    { file: 'logs/02-customize-virt-customize.log', line: 2, text: 'frobnicator: fatal: no frobs' },
  ]);
});

test('an explanation has no secret, and points at the log or at the event that is about to be written', async () => {
  const folder = folderWith({ 'events.ndjson': '{"type":"build-started"}\n' });
  const message = 'virt-customize exited with status 1: E: Unable to locate package hunter2hunter2';
  const explanation = await explanationOf(folder, { code: 'COMMAND_FAILED', message }, ['hunter2hunter2']);
  expect(explanation).toMatchObject({ id: 'apt.no-package', file: 'events.ndjson', line: 2 });
  expect(JSON.stringify(explanation)).not.toContain('hunter2');
});
