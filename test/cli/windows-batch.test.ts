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
  const virtio = mkdtempSync(join(tmpdir(), 'virtio-'));
  writeFileSync(join(virtio, 'virtio-win-guest-tools.exe'), 'x');
  wine.drive('t', virtio);
  // What is no program of wine's says how it was called, and ends as it is told.
  for (const [name, status] of [
    ['stub', 'STUB'],
    ['updates', 'UPDATES'],
    ['dism', 'DISM'],
  ])
    writeFileSync(join(wine.c, `${name}.cmd`), `@echo off\r\necho %*>>C:\\calls.txt\r\nexit /b %${status}%\r\n`);
}, 60_000);
afterAll(() => wine.end());

/** The answer CD of a recipe with these commands; its letter is none that a machine with three CD drives would give it. */
async function answerCd(commands: readonly unknown[], updates: unknown = 'none'): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'answers-'));
  // Wine has no powercfg.
  const settings = 'settings: { powerPlan: balanced }';
  const recipe = await windowsRecipe(`install: ${JSON.stringify({ commands, updates })}\n${settings}\n`);
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
  const read = (name: string) => readFileSync(join(wine.c, name), 'utf8').replaceAll('\r\n', '\n');
  const run = async () => {
    await wine.cmd(String.raw`C:\each.cmd`);
    return numbers.map((number) => ({
      status: Number(read(`status-${number}.txt`)),
      output: read(`output-${number}.txt`),
    }));
  };
  const seen = await run();
  // On a busy host wine may not find its own cmd.
  return seen.some(({ status }) => status === 9009) ? run() : seen;
}

test('a command means what it means at a prompt', async () => {
  const expected = {
    'echo 50% of 100% done': '50% of 100% done\n',
    'for %i in (a b) do @echo %i': 'a\nb\n',
    'echo "%~a" !x!': '"%~a" !x!\n',
    'for %a in (a b) do @echo [%a]': '[a]\n[b]\n',
    'echo %OS% %UNKNOWN% %OS': 'Windows_NT %UNKNOWN% %OS\n',
    'echo "a & b | c > d" & echo second': '"a & b | c > d" \nsecond\n',
    'echo one^&two ^| three ^^': 'one&two | three ^\n',
    "echo (x) [!y!] ~`{}=,;'": "(x) [!y!] ~`{}=,;'\n",
    '(echo 1) && echo 2': '1\n2\n',
    ';echo after a semicolon': 'after a semicolon\n',
    'echo "C:\\Program Files\\A & B\\"': '"C:\\Program Files\\A & B\\"\n',
    'echo %~dp0 %1 %* %%a': '%~dp0 %1 %* %%a\n',
    'echo one quote " of two': 'one quote " of two\n',
    [`echo ${'x'.repeat(3000)}`]: `${'x'.repeat(3000)}\n`,
  };
  const seen = await runEach(Object.keys(expected));
  expect(seen.map(({ output }) => output)).toEqual(Object.values(expected));
});

test('every command has its own exit status', async () => {
  const statuses = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 255, 1603, 1641, 3010, -1, -2, -1_073_741_819];
  const forms = (status: number) => [`exit ${status}`, `exit /b ${status}`, `cmd /c "exit ${status}"`];
  const seen = await runEach(statuses.map((status, index) => forms(status)[index % 3] ?? ''));
  expect(seen.map(({ status }) => status)).toEqual(statuses);
});

/** Statuses of the stubs: `drivers` of all but the others. */
type Statuses = { all?: number; updates?: number; dism?: number };

/**
 * Runs build.cmd of the answer CD by the line of the answer file, with stubs of what wine does not have; a restart ends it.
 * `calls` are those of the stubs, one on a line.
 */
async function build(folder: string, statuses: Statuses = {}): Promise<{ serial: string; calls: string }> {
  for (const name of ['windows/vmkiln', 'windows/Setup']) rmSync(join(wine.c, name), { recursive: true, force: true });
  const path = join(folder, 'build.cmd');
  const text = readFileSync(path, 'utf8')
    .replaceAll('>COM1', String.raw`>>C:\serial.txt`)
    .replaceAll(/^ping.exe.*/gm, 'exit 0')
    .replaceAll(/^powershell(?=.*updates\.ps1)/gm, String.raw`cmd.exe /d /c C:\updates.cmd powershell`)
    .replaceAll(/^dism/gm, String.raw`cmd.exe /d /c C:\dism.cmd dism`)
    .replaceAll(
      /^(?=msiexec|powershell|sc\.exe|net\.exe|shutdown|%SystemRoot%\\System32\\Sysprep\\sysprep|%drivers%)/gm,
      String.raw`cmd.exe /d /c C:\stub.cmd `,
    );
  writeFileSync(path, text);
  const answers = readFileSync(join(folder, 'Autounattend.xml'), 'utf8');
  const line = /<CommandLine>cmd.exe \/d \/c &quot;(.*)&quot;<\/CommandLine>/.exec(answers)?.[1] ?? '';
  return boot(line, statuses);
}

/** Runs a command of the first logon, or of one after a restart. */
async function boot(
  line: string,
  { all = 0, updates = 0, dism = 0 }: Statuses,
): Promise<{ serial: string; calls: string }> {
  for (const name of ['serial.txt', 'calls.txt']) rmSync(join(wine.c, name), { force: true });
  await wine.cmd(line, { STUB: String(all), UPDATES: String(updates), DISM: String(dism) });
  const read = (name: string) =>
    existsSync(join(wine.c, name)) ? readFileSync(join(wine.c, name), 'utf8').replaceAll('\r\n', '\n') : '';
  return { serial: read('serial.txt'), calls: read('calls.txt') };
}

/** What is said when all commands are done. */
const ending = [
  'making drive C the last of the disk',
  'having Cloudbase-Init started by the first boot',
  'removing the answer files of the installation',
  'ending the automatic logon',
  'generalizing with Sysprep',
];

/** The line of cmd that Windows runs when somebody logs on; empty when that is nothing. */
async function runKey(): Promise<string> {
  const key = String.raw`HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Run`;
  const { output } = await wine.cmd(`reg query ${key} /v vmkiln`);
  return /REG_SZ\s+cmd.exe \/d \/c "(.*)"$/m.exec(output)?.[1] ?? '';
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
  writeFileSync(join(windowsFolder(), 'own script.ps1'), 'exit 3\n');
  const folder = await answerCd(['echo to %logs% %file% %step% %next%', { script: 'own script.ps1' }]);
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
  const given = readFileSync(join(conf, 'Unattend.xml'), 'utf8');
  expect(given).toBe(readFileSync(join(folder, 'cloudbase-init-unattend.xml'), 'utf8'));
  const keys = [String.raw`Control\Terminal Server`, String.raw`Services\partmgr\Parameters`];
  const queries = keys.map((key) => `reg query "HKLM\\SYSTEM\\CurrentControlSet\\${key}" /s`);
  writeFileSync(join(wine.c, 'query.cmd'), ['@echo off', ...queries, ''].join('\r\n'));
  expect((await wine.cmd(String.raw`C:\query.cmd`)).output).toMatch(
    /fDenyTSConnections +REG_DWORD +0x0\b[^]*UserAuthentication +REG_DWORD +0x1\b[^]*SanPolicy +REG_DWORD +0x1\b/,
  );
  expect(readdirSync(panther)).toEqual(['setupact.log']);
  expect(existsSync(join(wine.c, 'windows/system32/sysprep/unattend.xml'))).toBe(false);
  expect(readFileSync(join(wine.c, 'windows/vmkiln/command-001.log'), 'utf8')).toBe(
    'to C:\\windows\\vmkiln %file% %step% %next%\r\n',
  );
});

test('a command that fails ends the build with its status, its text and what it said', async () => {
  installed();
  const command = 'echo 5% "a & b" & for %a in (1) do exit -7';
  const { serial } = await build(await answerCd(['exit 0', command, 'echo never']));
  expect(serial.split('\n').slice(-4)).toEqual([
    'vmkiln: FAILED running command 2 of the recipe: status -7',
    `vmkiln: the command: ${command}`,
    '5% "a & b" ',
    '',
  ]);
  expect((await build(await answerCd([]), { all: 9 })).serial).toContain('virtio drivers and tools: status 9\n');
});

test('after each restart the build goes on where it was, by the Run key, of which nothing is left', async () => {
  const { conf } = installed();
  const commands = ['exit 3010', 'echo last'];
  const first = await build(await answerCd(commands, { select: 'all', server: 'http://w', before: ['exit 1641'] }));
  expect(first.serial).toContain('running command 1 before the updates\nvmkiln: restarting Windows, restart 1\n');
  expect(first.calls).toContain('shutdown.exe /r');
  const line = await runKey();
  expect(line).toMatch(/^for %x in \(D E .*\\build.cmd$/);
  const boots = [];
  for (const statuses of [{ updates: 3010 }, { updates: 3010 }, { dism: -2146498554 }, {}, {}])
    boots.push(await boot(line, statuses));
  const isSetting = (step: string) => /^(enabling|letting|making the SAN|removing the apps)/.test(step);
  const steps = boots.map(({ serial }) =>
    serial
      .replaceAll('vmkiln: ', '')
      .split('\n')
      .slice(0, -1)
      .filter((step) => !isSetting(step)),
  );
  expect(steps).toEqual([
    ['updating Windows', 'restarting Windows, restart 2'],
    ['updating Windows', 'restarting Windows, restart 3'],
    ['updating Windows', 'cleaning the component store', 'restarting Windows, restart 4'],
    [
      'cleaning the component store',
      'installing Cloudbase-Init',
      'running command 2 of the recipe',
      'restarting Windows, restart 5',
    ],
    ['running command 3 of the recipe', ...ending],
  ]);
  const calls = boots.map((each) => each.calls).join('');
  expect(calls.match(/CloudbaseInitSetup.msi/g)?.length).toBe(1);
  expect(calls).toMatch(/CloudbaseInitSetup.msi[^]*sc.exe config cloudbase-init start= demand \n[^]*shutdown/);
  expect(await runKey()).toBe('');
  const policy = String.raw`HKLM\SOFTWARE\Policies\Microsoft\Windows\WindowsUpdate`;
  expect((await wine.cmd(`reg query ${policy} /s`)).output).not.toContain('REG_');
  expect(readFileSync(join(conf, 'cloudbase-init.conf'), 'utf8')).toContain('\r\ngroups=Administrateurs\r\n');
  const complete = readFileSync(join(wine.c, 'windows/Setup/Scripts/SetupComplete.cmd'), 'utf8');
  expect(complete).toBe('\r\nsc.exe config cloudbase-init start= auto && net.exe start cloudbase-init\r\n');
});

test('what is left of the automatic logon, or of the pointer to an answer file, ends the build before Sysprep', async () => {
  const values = [
    [String.raw`"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\Winlogon"`, 'DefaultPassword'],
    [String.raw`HKLM\SYSTEM\Setup`, 'UnattendFile'],
  ] as const;
  for (const [key, name] of values) {
    installed();
    const folder = await answerCd([]);
    const whole = readFileSync(join(folder, 'build.cmd'), 'utf8');
    writeFileSync(join(wine.c, 'add.cmd'), `@reg add ${key} /v ${name} /t REG_SZ /d x /f\r\n`);
    await wine.cmd(String.raw`C:\add.cmd`);
    // A registry that refuses: `reg delete` fails, and says so to nobody.
    writeFileSync(join(folder, 'build.cmd'), whole.replaceAll(/reg\.exe delete (?=.*(%%v|UnattendFile))/g, 'rem '));
    const refused = await build(folder);
    expect(refused.serial).toMatch(/FAILED .*: status 5\nvmkiln: \w+ of .* cannot be removed\n/);
    expect(refused.serial).toContain(`vmkiln: ${name} of `);
    expect(refused.calls).not.toContain('sysprep');
    writeFileSync(join(folder, 'build.cmd'), whole);
    const done = await build(folder);
    expect(done.serial).not.toContain('FAILED');
    expect(done.calls).toContain('sysprep');
  }
}, 120_000);

test('updates that fail, or that want a restart for ever, end the build', async () => {
  installed();
  const cd = () => answerCd([], 'security');
  await build(await cd(), { updates: 3010 });
  const line = await runKey();
  const state = (name: string, text: string) => writeFileSync(join(wine.c, 'windows/vmkiln', name), text);
  state('restarts.txt', '24\r\n');
  expect((await boot(line, { updates: 3010 })).serial).toContain('restarting Windows, restart 25\n');
  const endless = await boot(line, { updates: 3010 });
  expect(endless.serial).toContain('vmkiln: FAILED updating Windows: Windows has been restarted 25 times\n');
  expect(endless.calls).not.toContain('shutdown');
  state('updates-failed.log', 'KB5034439 is not installed after two tries, the last with 0x80070643: x\r\n');
  const failed = await boot(line, { updates: 1 });
  expect(failed.serial).toContain('FAILED updating Windows: status 1\nKB5034439 is not installed after two tries');
  const store = await build(await cd(), { dism: 5 });
  expect(store.serial).toContain('vmkiln: restarting Windows, restart 1\n');
  expect((await boot(line, { dism: 5 })).serial).toContain('vmkiln: FAILED cleaning the component store: status 5\n');
});
