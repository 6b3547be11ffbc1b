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
    '<LogonCount>2<',
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
  ['an undeclared prefix', / xmlns:wcm="[^"]*"/, '', /^15:9 error the prefix wcm is not declared/],
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
    { line: 13, column: 169, level: 'error', message: 'is not XML: it ends inside unattend > settings > component' },
  ]);
  expect(said('')).toEqual([{ line: 1, column: 1, level: 'error', message: 'is not XML: Start tag expected' }]);
});

test('the secret itself is never repeated', () => {
  for (const secret of ['hunter2', 'a<hunter2', 'a<hunter2>b', 'a&hunter2;', 'a</hunter2>'])
    expect(remarks(/<Value>⟨secret [^<]*/, `<Value>${secret}`).join('\n')).not.toContain('hunter2');
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
    'which is not drive D:',
  );
  expect(await lint('', (text) => text.replaceAll('build.cmd', 'other.cmd'))).toContain('nothing powers the guest off');
});

test.each<[string, string | RegExp, string, RegExp]>([
  ['another disk', '<DiskID>0', '<DiskID>1', /DiskID: the machine has one disk, which is 0, got 1/],
  ['no name of an image', /(<Value>)Windows[^<]*/, '$1', /Value of MetaData is empty/],
  [
    'a name that is too long',
    '<ComputerName>*',
    '<ComputerName>windows-server-2022',
    /expected at most 15 characters, got 19/,
  ],
  ['a name of other characters', '<ComputerName>*', '<ComputerName>my_server', /expected letters, digits and hyphens/],
  ['a partition that is not made', /(<PartitionID>)1/, '$17', /ModifyPartition: there is no partition 7 of 3/],
  ['a target that is not made', /(<InstallTo>[^]*?<PartitionID>)3/, '$14', /InstallTo: there is no partition 4 of 3/],
  ['a target without a file system', /(<InstallTo>[^]*?<PartitionID>)3/, '$12', /of the type MSR/],
  ['no licence', '<AcceptEula>true', '<AcceptEula>false', /AcceptEula: expected true/],
  ['no count of logons', '<LogonCount>2</LogonCount>', '', /AutoLogon has no LogonCount/],
  ['no order', /<Order>1<\/Order>/, '', /RunSynchronousCommand has no Order/],
  ['an order of 0', '<Order>1<', '<Order>0<', /the order begins at 1/],
  ['a user that nobody makes', '<Username>Administrator', '<Username>vagrant', /nobody makes the user "vagrant"/],
  ['a secret that is said to be encoded', /<PlainText>true/, '<PlainText>false', /PlainText: expected true/],
  [
    'all of the disk and more behind it',
    '<Size>16</Size>',
    '<Extend>true</Extend>',
    /the partition before this one takes all/,
  ],
  ['more than the disk has', '<Size>16</Size>', '<Size>16000000</Size>', /the partitions take 16000260 MiB/],
  [
    'a size and all that is left',
    '<Extend>true',
    '<Size>5000</Size><Extend>true',
    /Size and Extend: true, which exclude/,
  ],
  [
    'a partition behind C:',
    '</CreatePartitions>',
    '<CreatePartition wcm:action="add"><Order>4</Order><Type>Primary</Type><Size>9</Size></CreatePartition></CreatePartitions>',
    /instances could not grow drive C/,
  ],
  ['a file system on the MSR', /(<PartitionID>)3(<[^]*<Format>NTFS)/, '$12$2', /partition 2 is the MSR/],
  [
    'an architecture that no driver has',
    /(Setup" processorArchitecture=")amd64/,
    '$1x86',
    /passes over a component for x86/,
  ],
  ['a time zone of others', '<TimeZone>UTC', '<TimeZone>CET_dstoff', /Windows has no time zone "CET_dstoff"/],
  [
    'a command that is too long',
    /(<Path>cmd.exe \/c echo)/,
    `$1 ${'x'.repeat(260)}`,
    /Path: expected at most 259 characters/,
  ],
  [
    'an element twice',
    '<ComputerName>*</ComputerName>',
    '<ComputerName>*</ComputerName><ComputerName>a</ComputerName>',
    /ComputerName is in Microsoft-Windows-Shell-Setup twice/,
  ],
  [
    'a key value twice',
    'wcm:keyValue="2"',
    'wcm:keyValue="1"',
    /PathAndCredentials with wcm:keyValue="1" is in DriverPaths twice/,
  ],
])('against the machine: %s', async (_, from, to, expected) => {
  const recipe = await windowsRecipe('machine: { firmware: uefi }\n');
  const file = rendered(recipe, 'Autounattend.xml');
  const text = file.text.replace(from, to);
  expect(text).not.toBe(file.text);
  const findings = familyOf(recipe).lint?.(recipe, [{ ...file, text }]) ?? [];
  expect(findings.map(({ message }) => message).join('\n')).toMatch(expected);
  expect(findings.some(({ level, line }) => level === 'error' && line > 1)).toBe(true);
});

test('against the edition: a key that is published for another, and one that is none', async () => {
  const recipe = await windowsRecipe('productKey: generic\n');
  const file = rendered(recipe, 'Autounattend.xml');
  const messages = (key: string) => {
    const text = file.text.replace(/<Key>\w{5}-[^<]*/, `<Key>${key}`);
    return (familyOf(recipe).lint?.(recipe, [{ ...file, text }]) ?? []).map(({ message }) => message).join('\n');
  };
  expect(messages('WX4NM-KYWYW-QJJR4-XV3QB-6VM33')).toMatch(
    /published for ServerDatacenter, and the image .* is ServerStandard/,
  );
  expect(messages('')).toMatch(/Key of ProductKey is empty/);
});

test('a file for two architectures is none for the wrong one', async () => {
  const recipe = await windowsRecipe();
  const file = rendered(recipe, 'Autounattend.xml');
  const twins = file.text.replaceAll(/<component [^]*?<\/component>/g, (text) => text.replace('amd64', 'x86') + text);
  expect(familyOf(recipe).lint?.(recipe, [{ ...file, text: twins }])).toEqual([]);
});

test('validate names the file of the user, and only errors make it fail', async () => {
  const own = join(windowsFolder(), 'own.xml.hbs');
  writeFileSync(
    own,
    good.replace('<LogonCount>2<', '<LogonCount>one<').replaceAll(/<Value>⟨secret [^<]*/g, '<Value>hunter2'),
  );
  await windowsRecipe('install: { answerFile: own.xml.hbs }\n');
  const [result] = await validate([join(windowsFolder(), 'x.yaml')], {}, { cwd: process.cwd() });
  expect(result?.problems).toEqual([expect.stringMatching(/own\.xml\.hbs:\d+:\d+: LogonCount: expected a number/)]);
  const inTheClear = expect.stringMatching(/own\.xml\.hbs:\d+:\d+: Value holds a secret in the clear/) as unknown;
  expect(result?.warnings).toEqual([inTheClear, inTheClear]);
});
