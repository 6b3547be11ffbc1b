import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { lintUnattend } from '../../src/families/windows/unattend-lint.ts';
import { validate } from '../../src/pipeline/validate.ts';
import { familyOf } from '../../src/families/index.ts';
import { rendered } from '../support/rhel.ts';
import { windowsFolder, windowsRecipe } from '../support/windows.ts';

const good = rendered(await windowsRecipe(), 'Autounattend.xml').text;

/** What is said of the shipped answer file after one change. */
function remarks(from: string | RegExp, to: string): string[] {
  const changed = good.replace(from, to);
  expect(changed).not.toBe(good);
  return lintUnattend(changed).remarks.map(
    ({ line, column, level, message }) => `${line}:${column} ${level} ${message}`,
  );
}

test('the shipped answer file has no fault', () => {
  expect(lintUnattend(good).remarks).toEqual([]);
});

test.each<[string, string | RegExp, string, RegExp]>([
  [
    'a pass that there is not',
    'pass="oobeSystem"',
    'pass="oobesystem"',
    /^\d+:3 error there is no pass "oobesystem", did you mean "oobeSystem"\?/,
  ],
  [
    'a component in the wrong pass',
    'pass="specialize"',
    'pass="windowsPE"',
    /^\d+:5 error Microsoft-Windows-Deployment does not belong to the pass windowsPE/,
  ],
  [
    'an element in the wrong pass',
    '<ComputerName>*</ComputerName>',
    '<OOBE><HideEULAPage>true</HideEULAPage></OOBE>',
    /^\d+:7 error OOBE does not belong to the pass specialize, but to oobeSystem/,
  ],
  [
    'a name in a pass that passes over it',
    '<OOBE>',
    '<ComputerName>x</ComputerName><OOBE>',
    /^\d+:7 warning ComputerName does not belong to the pass oobeSystem, but to offlineServicing or specialize/,
  ],
  [
    'no architecture',
    ' processorArchitecture="amd64"',
    '',
    /^4:5 error Microsoft-Windows-International-Core-WinPE has no attribute processorArchitecture/,
  ],
  [
    'another architecture',
    'processorArchitecture="amd64"',
    'processorArchitecture="x64"',
    /^4:5 error processorArchitecture: expected amd64/,
  ],
  [
    'a key token that is cut short',
    'publicKeyToken="31bf3856ad364e35"',
    'publicKeyToken="31bf3856ad364e3"',
    /^4:5 error publicKeyToken: expected 16 hexadecimal digits, got "31bf3856ad364e3"/,
  ],
  [
    'a misspelt element',
    'AcceptEula>',
    'AcceptEULA>',
    /error UserData has no element AcceptEULA, did you mean "AcceptEula"\?|is not XML/,
  ],
  [
    'a misspelt pair',
    /AcceptEula/g,
    'AcceptEULA',
    /^\d+:9 error UserData has no element AcceptEULA, did you mean "AcceptEula"\?/,
  ],
  [
    'a word where a number belongs',
    '<LogonCount>1<',
    '<LogonCount>one<',
    /error LogonCount: expected a number, got "one"/,
  ],
  [
    'a word where true or false belongs',
    '<WillWipeDisk>true<',
    '<WillWipeDisk>yes<',
    /error WillWipeDisk: expected true or false, got "yes"/,
  ],
  [
    'a value that there is not',
    '<Format>NTFS<',
    '<Format>ntfs<',
    /error Format: expected NTFS, FAT32, FAT, got "ntfs", did you mean "NTFS"\?/,
  ],
  ['a password in the clear', /<Value>⟨secret [^<]*/, '<Value>hunter2', /warning Value holds a secret in the clear/],
  ['a missing wcm:action', '<Disk wcm:action="add">', '<Disk>', /warning Disk has no attribute wcm:action/],
  ['an order twice', '<Order>2</Order>', '<Order>1</Order>', /error the order 1 is already used above/],
  ['another namespace', 'xmlns="urn:schemas-microsoft-com:unattend"', 'xmlns="urn:x"', /^2:1 error expected xmlns=/],
  ['an encoding that it is not in', 'encoding="utf-8"', 'encoding="utf-16"', /^2:1 error the file is written in UTF-8/],
  [
    'a misspelt component',
    '"Microsoft-Windows-Shell-Setup"',
    '"Microsoft-Windows-ShellSetup"',
    /error there is no component Microsoft-Windows-ShellSetup, did you mean "Microsoft-Windows-Shell-Setup"\?/,
  ],
  [
    'a component that nobody knows',
    '"Microsoft-Windows-Shell-Setup"',
    '"Contoso-Inventory"',
    /warning no component Contoso-Inventory is known/,
  ],
  [
    'a component that is only known by its passes in the wrong one',
    /<component name="Microsoft-Windows-Shell-Setup"[^]*?<\/component>/,
    '<component name="Microsoft-Windows-SHWebSvc" processorArchitecture="amd64" publicKeyToken="31bf3856ad364e35" language="neutral" versionScope="nonSxS"/>',
    /error Microsoft-Windows-SHWebSvc does not belong to the pass specialize, but to oobeSystem/,
  ],
  ['an undeclared prefix', / xmlns:wcm="[^"]*"/, '', /^2:1 error the prefix wcm is not declared/],
  ['an element that is not closed', '</settings>', '', /error is not XML: /],
  [
    'a document type',
    '<unattend',
    '<!DOCTYPE x [<!ENTITY y "z">]><unattend',
    /error is not XML: an answer file has no document type/,
  ],
])('%s is found where it stands', (_, from, to, expected) => {
  expect(remarks(from, to).join('\n')).toMatch(expected);
});

test('what a generator keeps in a namespace of its own is left alone', () => {
  const own = '<Extensions xmlns="https://example.org/generator/"><File path="x">⟨</File></Extensions></unattend>';
  expect(remarks('</unattend>', own)).toEqual([]);
  expect(remarks('</unattend>', own.replace(/ xmlns="[^"]*"/, ''))).toEqual([
    expect.stringContaining('error unknown element Extensions'),
  ]);
});

test('a file that is cut short, or empty, says so at a place', () => {
  const said = (text: string) => lintUnattend(text).remarks;
  const end = good.indexOf('<DriverPaths>');
  expect(said(good.slice(0, end))).toEqual([
    { line: 1, column: 1, level: 'error', message: 'is not XML: it ends inside unattend > settings > component' },
  ]);
  expect(said('')).toEqual([{ line: 1, column: 1, level: 'error', message: 'is not XML: Start tag expected.' }]);
});

test('the secret itself is never repeated', () => {
  expect(remarks(/<Value>⟨secret [^<]*/, '<Value>hunter2').join('\n')).not.toContain('hunter2');
});

test('a published product key is no secret', () => {
  const key = '<ProductKey><Key>VDYBN-27WPP-V4HQT-9VMD4-VMK7H</Key></ProductKey></UserData>';
  const text = good.replace('</UserData>', key);
  expect(lintUnattend(text).remarks.map(({ message }) => message)).toEqual([
    expect.stringContaining('Key holds a secret'),
  ]);
  expect(lintUnattend(text, ['VDYBN-27WPP-V4HQT-9VMD4-VMK7H']).remarks).toEqual([]);
});

test('any text is read without an exception', () => {
  const piece = fc.oneof(
    fc.string(),
    fc.constantFrom('<unattend>', '</a>', '<a b="', '<!--', '<![CDATA[', '&lt;', '<settings pass="x">'),
  );
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      expect(Array.isArray(lintUnattend(pieces.join('')).remarks)).toBe(true);
    }),
  );
});

test('across layers: the disk needs its driver, and the partitions fit the firmware', async () => {
  const lint = async (more: string, change: (text: string) => string) => {
    const recipe = await windowsRecipe(more);
    const file = rendered(recipe, 'Autounattend.xml');
    const findings = familyOf(recipe).lint?.(recipe, [{ ...file, text: change(file.text) }]) ?? [];
    return findings.map(({ message }) => message).join('\n');
  };
  const without = (text: string) => text.replaceAll('viostor', 'other');
  const from = (folder: string) => (text: string) => text.replaceAll(/[C-I]:\\viostor[^<]*/g, () => folder);
  expect(await lint('', without)).toContain('no DriverPaths of the pass windowsPE names viostor of the virtio ISO');
  expect(await lint('', from('X:\\viostor\\2k22\\amd64'))).toContain(String.raw`(the folder is viostor\2k22\amd64,`);
  for (const folder of ['E:\\', 'e:\\amd64\\2k22', 'E:\\viostor', '\\\\server\\drivers'])
    expect(await lint('', from(folder)), folder).toBe('');
  expect(await lint('machine: { diskBus: sata }\n', without)).toBe('');
  expect(await lint('', (text) => text.replace('<Type>Primary', '<Type>EFI'))).toContain('BIOS firmware');
  expect(await lint('machine: { firmware: uefi }\n', (text) => text.replace('<Type>EFI', '<Type>Primary'))).toContain(
    'no partition of the type EFI',
  );
  expect(await lint('', (text) => text.replace(/<CommandLine>.*</, '<CommandLine>cmd /c D:\\build.cmd<'))).toContain(
    'which nobody has as D:',
  );
  expect(await lint('', (text) => text.replaceAll('build.cmd', 'other.cmd'))).toContain('nothing powers the guest off');
});

test('validate names the file of the user, and only errors make it fail', async () => {
  const own = join(windowsFolder(), 'own.xml.hbs');
  writeFileSync(
    own,
    good.replace('<LogonCount>1<', '<LogonCount>one<').replace(/<Value>⟨secret [^<]*/, '<Value>hunter2'),
  );
  await windowsRecipe('install: { answerFile: own.xml.hbs }\n');
  const [result] = await validate(
    [join(windowsFolder(), 'x.yaml')],
    {},
    { signal: new AbortController().signal, cwd: process.cwd() },
  );
  expect(result?.problems).toEqual([expect.stringMatching(/own\.xml\.hbs:\d+:\d+: LogonCount: expected a number/)]);
  expect(result?.warnings).toEqual([expect.stringMatching(/own\.xml\.hbs:\d+:\d+: Value holds a secret in the clear/)]);
});
