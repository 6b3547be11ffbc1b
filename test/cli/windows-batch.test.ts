import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { familyOf } from '../../src/families/index.ts';
import { startWine, type Wine } from '../support/wine.ts';
import { windowsFolder, windowsRecipe } from '../support/windows.ts';

/** The rendered batch files, run by wine's cmd: a second opinion, for cmd.exe itself cannot run here. */
let wine: Wine;
beforeAll(async () => {
  wine = await startWine();
  mkdirSync(join(wine.c, 'windows/system32/sysprep'), { recursive: true });
  // What is no program of wine's says how it was called, and ends as it is told.
  writeFileSync(join(wine.c, 'stub.cmd'), '@echo off\r\necho %*>>C:\\calls.txt\r\nexit /b %STUB%\r\n');
}, 60_000);
afterAll(() => wine.end());

/** The answer CD of a recipe with these commands; its letter is none that a machine with three CD drives would give it. */
async function answerCd(commands: readonly unknown[]): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'answers-'));
  // Wine has no powercfg.
  const settings = 'settings: { powerPlan: balanced }';
  const recipe = await windowsRecipe(`install: { commands: ${JSON.stringify(commands)} }\n${settings}\n`);
  for (const { name, text } of familyOf(recipe).render(recipe)) writeFileSync(join(folder, name), text);
  wine.drive('k', folder);
  return folder;
}

/** Runs each command of a recipe by its own file: its status, and what it said. All in one process, for wine starts slowly. */
async function runEach(commands: readonly string[]): Promise<{ status: number; output: string }[]> {
  await answerCd(commands);
  const numbers = commands.map((_, index) => String(index + 1).padStart(3, '0'));
  const lines = numbers.flatMap((number) => [
    String.raw`cmd.exe /d /c K:\command-${number}.cmd >C:\output-${number}.txt`,
    String.raw`>C:\status-${number}.txt echo %errorlevel%`,
  ]);
  writeFileSync(join(wine.c, 'each.cmd'), ['@echo off', ...lines, ''].join('\r\n'));
  await wine.cmd(String.raw`C:\each.cmd`);
  const read = (name: string) => readFileSync(join(wine.c, name), 'utf8').replaceAll('\r\n', '\n');
  return numbers.map((number) => ({
    status: Number(read(`status-${number}.txt`)),
    output: read(`output-${number}.txt`),
  }));
}

test('a command means what it means at a prompt', async () => {
  const expected = {
    'echo 50% of 100% done': '50% of 100% done\n',
    'for %i in (a b) do @echo %i': 'a\nb\n',
    'for %a in (a b) do @echo [%a]': '[a]\n[b]\n',
    'echo %OS% %UNKNOWN% %OS': 'Windows_NT %UNKNOWN% %OS\n',
    'echo "a & b | c > d" & echo second': '"a & b | c > d" \nsecond\n',
    'echo one^&two ^| three ^^': 'one&two | three ^\n',
    "echo (x) [!y!] ~`{}=,;'": "(x) [!y!] ~`{}=,;'\n",
    '(echo 1) && echo 2': '1\n2\n',
    ';echo after a semicolon': 'after a semicolon\n',
    'echo "C:\\Program Files\\A & B\\"': '"C:\\Program Files\\A & B\\"\n',
  };
  const seen = await runEach(Object.keys(expected));
  expect(seen.map(({ output }) => output)).toEqual(Object.values(expected));
});

test('every command has its own exit status', async () => {
  const statuses = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 255, 1603, 3010];
  const forms = (status: number) => [`exit ${status}`, `exit /b ${status}`, `cmd /c "exit ${status}"`];
  const seen = await runEach(statuses.map((status, index) => forms(status)[index % 3] ?? ''));
  expect(seen.map(({ status }) => status)).toEqual(statuses);
});

/** Runs build.cmd of the answer CD by the line of the answer file, with stubs of what wine does not have. */
async function build(folder: string, status = '0'): Promise<{ serial: string; calls: string }> {
  const programs = /^(?=msiexec|powershell|reg\.exe|%SystemRoot%\\System32\\Sysprep\\sysprep|%drivers%)/gm;
  const path = join(folder, 'build.cmd');
  const text = readFileSync(path, 'utf8').replaceAll('>COM1', String.raw`>>C:\serial.txt`);
  writeFileSync(path, text.replace(programs, String.raw`cmd.exe /d /c C:\stub.cmd `));
  for (const name of ['serial.txt', 'calls.txt']) rmSync(join(wine.c, name), { force: true });
  const answers = readFileSync(join(folder, 'Autounattend.xml'), 'utf8');
  const line = /<CommandLine>cmd.exe \/d \/c &quot;(.*)&quot;<\/CommandLine>/.exec(answers)?.[1] ?? '';
  await wine.cmd(line, { STUB: status });
  const read = (name: string) => readFileSync(join(wine.c, name), 'utf8').replaceAll('\r\n', '\n');
  return { serial: read('serial.txt'), calls: read('calls.txt') };
}

/** What the installer of Cloudbase-Init and Setup have left on drive C. */
function installed(): { conf: string; panther: string } {
  const conf = join(wine.c, 'Program Files/Cloudbase Solutions/Cloudbase-Init/conf');
  const panther = join(wine.c, 'windows/Panther');
  mkdirSync(conf, { recursive: true });
  writeFileSync(join(conf, 'cloudbase-init.conf'), '[DEFAULT]\r\nusername=Admin\r\ngroups=Administrateurs\r\n');
  mkdirSync(join(panther, 'Unattend'), { recursive: true });
  const copies = ['unattend.xml', 'unattend-original.xml', 'Unattend/Unattend.xml', 'setupact.log'];
  for (const name of copies) writeFileSync(join(panther, name), 'x');
  writeFileSync(join(wine.c, 'windows/system32/sysprep/unattend.xml'), 'x');
  return { conf, panther };
}

test('build.cmd finds its drives, keeps the groups of the installer and leaves Sysprep no answer file but its own', async () => {
  const { conf, panther } = installed();
  const virtio = mkdtempSync(join(tmpdir(), 'virtio-'));
  writeFileSync(join(virtio, 'virtio-win-guest-tools.exe'), 'x');
  wine.drive('t', virtio);
  writeFileSync(join(windowsFolder(), 'own script.ps1'), 'exit 3\n');
  const folder = await answerCd(['echo from the command', { script: 'own script.ps1' }]);
  const { serial, calls } = await build(folder);
  expect(serial).not.toContain('FAILED');
  expect(serial).toContain('running command 2 of the recipe: own_script.ps1\n');
  expect(calls).toContain(String.raw`T:\virtio-win-guest-tools.exe /install`);
  expect(calls).toContain(String.raw`msiexec.exe /i K:\CloudbaseInitSetup.msi`);
  expect(calls.trimEnd().split('\n').at(-1)).toMatch(
    /sysprep.exe .*\/generalize \/oobe \/shutdown "\/unattend:C:\\Program Fi/i,
  );
  const written = readFileSync(join(conf, 'cloudbase-init.conf'), 'utf8');
  expect(written).toMatch(/^\[DEFAULT\]\r\ngroups=Administrateurs\r\n\[DEFAULT\]\r\nusername=Administrator\r\n/);
  const keys = [String.raw`Control\Terminal Server`, String.raw`Services\partmgr\Parameters`];
  const queries = keys.map((key) => `reg query "HKLM\\SYSTEM\\CurrentControlSet\\${key}" /s`);
  writeFileSync(join(wine.c, 'query.cmd'), ['@echo off', ...queries, ''].join('\r\n'));
  expect((await wine.cmd(String.raw`C:\query.cmd`)).output).toMatch(
    /fDenyTSConnections +REG_DWORD +0x0\b[^]*UserAuthentication +REG_DWORD +0x1\b[^]*SanPolicy +REG_DWORD +0x1\b/,
  );
  expect(readdirSync(panther)).toEqual(['setupact.log']);
  expect(existsSync(join(wine.c, 'windows/system32/sysprep/unattend.xml'))).toBe(false);
  expect(readFileSync(join(wine.c, 'windows/temp/vmkiln/command-001.log'), 'utf8')).toBe('from the command\r\n');
});

test('a command that fails ends the build with its status, its text and what it said; 3010 only asks for a restart', async () => {
  installed();
  const command = 'echo 5% "a & b" & for %a in (1) do exit 7';
  const { serial } = await build(await answerCd(['exit 3010', command, 'echo never']));
  expect(serial.split('\n').slice(-4)).toEqual([
    'vmkiln: FAILED running command 2 of the recipe: status 7',
    `vmkiln: the command: ${command}`,
    '5% "a & b" ',
    '',
  ]);
  expect((await build(await answerCd([]), '9')).serial).toContain('virtio drivers and tools: status 9\n');
});
