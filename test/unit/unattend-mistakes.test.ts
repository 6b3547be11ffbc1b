import { expect, test } from 'vitest';
import { familyOf } from '../../src/families/index.ts';
import { rendered } from '../support/rhel.ts';
import { windowsRecipe } from '../support/windows.ts';

const uefi = 'machine: { firmware: uefi }\n';
const bios = '';
const generic = `${uefi}productKey: generic\n`;

/** What is said of the shipped answer file of a recipe after one change. */
async function said(more: string, from: string | RegExp, to: string, release = '2022'): Promise<string[]> {
  const recipe = await windowsRecipe(more, release);
  const file = rendered(recipe, 'Autounattend.xml');
  const text = file.text.replace(from, to);
  expect(text).not.toBe(file.text);
  const findings = familyOf(recipe).lint?.(recipe, [{ ...file, text }]) ?? [];
  return findings.map(({ level, message }) => `${level}: ${message}`);
}

const primary = (order: number, size = '<Size>600</Size>') =>
  `<CreatePartition wcm:action="add"><Order>${order}</Order><Type>Primary</Type>${size}</CreatePartition>`;
const account = (inside: string) =>
  `<UserAccounts><LocalAccounts><LocalAccount wcm:action="add">${inside}</LocalAccount></LocalAccounts>`;
const state = 'http://schemas.microsoft.com/WMIConfig/2002/State';
const recovery = 'de94bba4-06d1-4d40-a16a-bfd50179d6ac';
const encoded = (text: string) => Buffer.from(text, 'utf16le').toString('base64');
const deployment = (inside: string) =>
  `<component name="Microsoft-Windows-Deployment" processorArchitecture="amd64" publicKeyToken="31bf3856ad364e35" language="neutral" versionScope="nonSxS">${inside}</component>`;
const join = (inside: string) =>
  `<component name="Microsoft-Windows-UnattendedJoin" processorArchitecture="amd64" publicKeyToken="31bf3856ad364e35" language="neutral" versionScope="nonSxS"><Identification>${inside}<JoinDomain>corp.example.com</JoinDomain></Identification></component>`;
const anyKey = /<Key>\w{5}-[^<]*/;

test.each<[string, string, string | RegExp, string, RegExp]>([
  ['no type of a partition', uefi, '<Type>MSR</Type>', '', /CreatePartition has no Type/],
  ['an EFI partition of NTFS', uefi, 'FAT32', 'NTFS', /partition 1 is of the type EFI: expected the Format FAT32/],
  ['Windows on FAT32', uefi, '<Format>NTFS', '<Format>FAT32', /Format NTFS for partition 3, got FAT32/],
  ['no room for Windows', uefi, '<Extend>true</Extend>', '<Size>5000</Size>', /5000 MiB are too little for Windows/],
  ['no room left', uefi, '<Size>16<', '<Size>40000<', /too little for Windows/],
  ['the last byte of the disk', uefi, '<Extend>true</Extend>', '<Size>40684</Size>', /the disk has 40958/],
  ['extended twice', uefi, '<Format>NTFS', '<Extend>true</Extend><Format>NTFS', /cannot be extended once more/],
  ['a letter with a colon', uefi, '<Letter>C<', '<Letter>C:<', /Letter: expected one of C to Z, got "C:"/],
  ['a letter twice', uefi, '<Label>System</Label>', '<Label>x</Label><Letter>C</Letter>', /C is already given/],
  ['a long label', uefi, '<Label>System', '<Label>System System', /at most 11 characters with FAT32, got 13/],
  ['a type of another table', uefi, '<Letter>C', '<TypeID>0x27</TypeID><Letter>C', /TypeID: expected a GUID/],
  ['a type of EFI', uefi, '<Label>System', '<TypeID>x</TypeID><Label>System', /of the type EFI, which takes no TypeID/],
  [
    'a GUID on a disk for BIOS',
    bios,
    '<Letter>C',
    '<TypeID>de94bba4-06d1-4d40-a16a-bfd50179d6ac</TypeID><Letter>C',
    /TypeID: expected a number like 0x27/,
  ],
  ['an MSR for BIOS', bios, '<Type>Primary', '<Type>MSR', /the Type MSR is of disks for UEFI/],
  [
    'five primary partitions',
    bios,
    /<CreatePartition wcm[^]*?<\/CreatePartition>/,
    [1, 2, 3, 4].map((order) => primary(order)).join('') + primary(5, '<Extend>true</Extend>'),
    /at most four partitions/,
  ],
  ['a logical one alone', bios, '<Type>Primary', '<Type>Logical', /lies inside of an Extended one/],
  ['a logical one for UEFI', uefi, '<Type>Primary', '<Type>Logical', /the Type Logical is of disks for BIOS/],
  ['no disk', uefi, /<DiskConfiguration>[^]*<\/DiskConfiguration>/, '', /the disk is empty, and no CreatePartition/],
  ['a disk without a number', uefi, '<DiskID>0</DiskID>', '', /Disk has no DiskID/],
  ['a disk twice', uefi, /(<Disk wcm[^]*<\/Disk>)/, '$1$1', /the machine has one disk/],
  ['no target', uefi, /<InstallTo>[^]*<\/InstallTo>/, '', /OSImage has no InstallTo/],
  ['no image', uefi, /<ImageInstall>[^]*<\/ImageInstall>/, '', /Setup would ask where Windows goes/],
  ['half a target', uefi, /(<InstallTo>[^]*?)<PartitionID>3<\/PartitionID>/, '$1', /InstallTo has no PartitionID/],
  [
    'two targets',
    uefi,
    '<InstallTo>',
    '<InstallToAvailablePartition>true</InstallToAvailablePartition><InstallTo>',
    /exclude each other/,
  ],
  ['a change of nothing', uefi, '<PartitionID>1</PartitionID>', '', /ModifyPartition has no PartitionID/],
  ['an order twice, in other words', uefi, '<Order>2<', '<Order>01<', /the order 01 is already used above/],
  ['an order too high', uefi, /<Order>2<\/Order>(\s*<Desc)/, '<Order>501</Order>$1', /the order ends at 500/],
  ['an action that there is not', uefi, '<Disk wcm:action="add"', '<Disk wcm:action="Add"', /got "Add"/],
  ['a pass in two pieces', uefi, /(<settings pass="specialize">[^]*?<\/settings>)/, '$1$1', /pass specialize twice/],
  ['programs of 32 bits in Windows PE', uefi, /(Setup" processorArchitecture=")amd64/, '$1wow64', /for wow64/],
  ['drivers of 32 bits', uefi, /[C-I]:\\viostor[^<]*/g, 'E:\\viostor\\2k22\\x86', /names viostor of the virtio ISO/],
  ['nobody who logs on', uefi, '<Enabled>true', '<Enabled>false', /FirstLogonCommands wait for somebody/],
  ['another password', uefi, /(<AutoLogon>[^]*?<Value>)[^<]*/, '$1x', /another password than the account/],
  ['no password', uefi, /(<AutoLogon>[^]*?)<Password>[^]*?<\/Password>/, '$1', /another password than the account/],
  ['a count of naught', uefi, '<LogonCount>2', '<LogonCount>00', /a LogonCount of 0/],
  ['a user without a name', uefi, '<UserAccounts>', account('<Group>Users</Group>'), /LocalAccount has no Name/],
  [
    'a name too long',
    uefi,
    '<UserAccounts>',
    account(`<Name>${'x'.repeat(21)}</Name>`),
    /at most 20 characters, got 21/,
  ],
  [
    'a display name too long',
    uefi,
    '<UserAccounts>',
    account(`<Name>a</Name><DisplayName>${'x'.repeat(257)}</DisplayName>`),
    /DisplayName: expected at most 256 characters, got 257/,
  ],
  ['a name of other signs', uefi, '<UserAccounts>', account('<Name>a/b</Name>'), /expected a user name without/],
  [
    'a user of no rights',
    uefi,
    /<Username>Administrator([^]*)<UserAccounts>/,
    `<Username>a$1${account('<Name>a</Name>')}`,
    /no member of Administrators/,
  ],
  ['an empty FullName', uefi, /<FullName>[^<]*/, '<FullName>', /FullName of UserData is empty/],
  [
    'empty commands',
    uefi,
    /(<RunSynchronous>)[^]*?(<\/RunSynchronous>)/,
    '$1$2',
    /RunSynchronous of Microsoft-Windows-Setup is empty/,
  ],
  ['a long command', uefi, /<CommandLine>/, `<CommandLine>${'x'.repeat(1024)}`, /CommandLine: expected at most 1024/],
  ['two percent signs', uefi, 'for %x in', 'for %%x in', /expected one percent sign/],
  ['a name in bytes', uefi, '<ComputerName>*', '<ComputerName>Überwachung-001', /at most 15 characters, got 16/],
  ['a name and a star', uefi, '<ComputerName>*', '<ComputerName>srv*', /expected letters, digits and hyphens/],
  ['a language without a region', uefi, '<UILanguage>en-US', '<UILanguage>en', /UILanguage: expected a language like/],
  ['formats of no language', uefi, '<UserLocale>en-US', '<UserLocale>German', /UserLocale: expected a language like/],
  ['a keyboard of another kind', uefi, '<InputLocale>en-US', '<InputLocale>us', /InputLocale: expected a layout like/],
  ['a number in place of a name', uefi, /(<Value>)Windows[^<]*/, '$12', /which is a number/],
  ['a name in place of a number', uefi, 'IMAGE/NAME', 'IMAGE/INDEX', /expected the number of an image/],
  ['an image by half', uefi, /<Value>Windows[^<]*<\/Value>/, '', /MetaData has no Value/],
  ['a server of another year', uefi, '<Value>Windows Server 2022', '<Value>Windows Server 2019', /release than 2022/],
  ['a key that ends early', generic, anyKey, '<Key>VDYBN-27WPP', /Key: expected five groups of five/],
  ['no key but its form', generic, anyKey, '<Key>XXXXX-XXXXX-XXXXX-XXXXX-XXXXX', /expected a key in place of/],
  ['a key of another release', generic, anyKey, '<Key>N69G4-B89J2-4G8F4-WWYCC-J464C', /published for Windows 2019/],
  [
    'an activation of another edition',
    uefi,
    '<ComputerName>',
    '<ProductKey>WX4NM-KYWYW-QJJR4-XV3QB-6VM33</ProductKey><ComputerName>',
    /published for ServerDatacenter/,
  ],
  ['another token', uefi, '31bf3856ad364e35', 'b77a5c561934e089', /publicKeyToken: expected 31bf3856ad364e35/],
  ['a language that is none', uefi, 'language="neutral"', 'language="nuetral"', /language: expected neutral/],
  ['a namespace of nobody', uefi, '2002/State', '2002/state', /expected xmlns:wcm=/],
  ['a prefix of nobody', uefi, 'wcm:action', 'w:action', /the prefix w is not declared/],
  ['a component elsewhere', uefi, '<component ', '<component xmlns="urn:x" ', /Setup passes over the component/],
  [
    'a pass that is done',
    uefi,
    'pass="windowsPE"',
    'pass="windowsPE" wasPassProcessed="true"',
    /the pass windowsPE is done/,
  ],
  ['text beside elements', uefi, '<UserData>', 'x<UserData>', /Microsoft-Windows-Setup holds elements, not "x"/],
  ['an entity of HTML', uefi, '<FullName>', '<FullName>&nbsp;', /is not XML: Invalid character entity/],
  ['a control character', uefi, '<FullName>', '<FullName>\u0007', /is not XML: a control character/],
  ['a second root', uefi, /$/, '<a/>', /a second element behind the first/],
  ['a comment with two hyphens', uefi, '<UserData>', '<!-- a -- b --><UserData>', /Malformed comment/],
  ['no command', uefi, /<CommandLine>[^]*?<\/CommandLine>/, '', /SynchronousCommand has no CommandLine/],
  ['a long description', uefi, '<Description>', `<Description>${'x'.repeat(259)}`, /Description: expected at most 259/],
  ['the .inf of a driver', uefi, /(viostor\\2k22\\amd64)/, '$1\\viostor.inf', /expected the folder of a driver/],
  ['a domain nobody joins', uefi, '<Username>', '<Domain>CORP</Domain><Username>', /nothing joins the domain "CORP"/],
  [
    'a name of no domain to join by',
    uefi,
    /(?<=pass="specialize">)/,
    join('<Credentials><Username>joiner</Username><Password>x</Password></Credentials>'),
    /Username: expected a Domain beside it, or a name like user@example\.com/,
  ],
  [
    'a domain and a workgroup',
    uefi,
    /(?<=pass="specialize">)/,
    join('<JoinWorkgroup>x</JoinWorkgroup>'),
    /JoinWorkgroup: expected none beside JoinDomain/,
  ],
  ['nobody on this machine', uefi, '<Username>A', '<Domain>.</Domain><Username>B', /nobody makes the user/],
  ['a user like a group', uefi, '<UserAccounts>', account('<Name>Users</Name>'), /a name of Windows itself/],
  [
    'Windows as a recovery partition',
    uefi,
    '<Letter>C',
    `<TypeID>${recovery}</TypeID><Letter>C`,
    /TypeID of a recovery/,
  ],
  ['a language of nobody', uefi, '<UILanguage>en-US', '<UILanguage>xx-XX', /UILanguage: expected a language like/],
  [
    'a region that is called GB',
    uefi,
    '<UserLocale>en-US',
    '<UserLocale>en-UK',
    /UserLocale: expected a language like/,
  ],
  [
    'an upgrade',
    uefi,
    '<UserData>',
    '<UpgradeData><Upgrade>true</Upgrade></UpgradeData><UserData>',
    /the disk is empty/,
  ],
  ['a number of 33 bits', uefi, '<LogonCount>2', '<LogonCount>4294967296', /expected a number of 32 bits/],
  [
    'an encoded password of another element',
    uefi,
    /(<AdministratorPassword>\s*<Value>)[^<]*(<\/Value>\s*<PlainText>)true/,
    `$1${encoded('pwPassword')}$2false`,
    /which ends in AdministratorPassword/,
  ],
  [
    'audit mode in which nothing runs',
    uefi,
    '<settings pass="oobeSystem">',
    `<settings pass="oobeSystem">${deployment('<Reseal><Mode>Audit</Mode></Reseal>')}`,
    /nothing runs in the pass auditUser/,
  ],
  ['a driver in no drive', uefi, /[C-I]:\\viostor/g, 'viostor', /names viostor of the virtio ISO/],
  ['a page that is always shown', uefi, '<WillShowUI>OnError', '<WillShowUI>Always', /Setup shows its page and waits/],
  [
    'a fallback of no language',
    uefi,
    '<UserLocale>',
    '<UILanguageFallback>en_US</UILanguageFallback><UserLocale>',
    /UILanguageFallback: expected a language like/,
  ],
  ['an encoding of no name', uefi, 'encoding="utf-8"', 'encoding="utf8"', /its first line says "utf8"/],
  ['a comment without an end', uefi, '<UserData>', '<!-- a <UserData>', /what begins here has no end: --> is missing/],
  ['an & in a command', uefi, '<CommandLine>', '<CommandLine>a && b ', /char '&' is not expected: write &amp;/],
  [
    'an element of another component',
    uefi,
    '<UserData>',
    '<AutoLogon/><UserData>',
    /Microsoft-Windows-Setup has no element AutoLogon; it belongs to Microsoft-Windows-Shell-Setup/,
  ],
  [
    'extended in two ways',
    uefi,
    '<settings pass="oobeSystem">',
    `<settings pass="oobeSystem">${deployment('<ExtendOSPartition><Extend>true</Extend><Size>9</Size></ExtendOSPartition>')}`,
    /ExtendOSPartition has Extend and Size/,
  ],
])('refused: %s', async (_, more, from, to, expected) => {
  const messages = await said(more, from, to);
  expect(messages.filter((message) => message.startsWith('error')).join('\n')).toMatch(expected);
});

test('an edition for homes has no key of Pro', async () => {
  expect((await said(generic, '<Value>Windows 11 Pro', '<Value>Windows 11 Home', '11')).join()).toMatch(
    /published for Professional, and the image "Windows 11 Home" is Core/,
  );
});

test.each<[string, string, string | RegExp, string, RegExp]>([
  ['a computer’s name that ends in a hyphen', uefi, '<ComputerName>*', '<ComputerName>abc-', /at both ends/],
  ['an empty name, by which Windows makes one', uefi, '<ComputerName>*', '<ComputerName>', /ComputerName .* is empty/],
  ['no language of Setup', uefi, /<SetupUILanguage>[^]*?<\/SetupUILanguage>/, '', /SetupUILanguage/],
  ['terms that are not hidden', uefi, '<HideEULAPage>true</HideEULAPage>', '', /HideEULAPage/],
  ['no answers of the first start', uefi, /<OOBE>[^]*?<\/OOBE>/, '', /OOBE: expected/],
  [
    'a command beside build.cmd',
    uefi,
    '</FirstLogonCommands>',
    '<SynchronousCommand wcm:action="add"><Order>2</Order><CommandLine>cmd /c x</CommandLine></SynchronousCommand></FirstLogonCommands>',
    /may start the others while build.cmd runs/,
  ],
  [
    'a group nobody knows',
    uefi,
    '<UserAccounts>',
    account('<Name>a</Name><Group>Admin</Group>'),
    /Windows may have no group "Admin"/,
  ],
  [
    'a user like the computer',
    uefi,
    /<ComputerName>\*([^]*)<UserAccounts>/,
    `<ComputerName>srv$1${account('<Name>SRV</Name>')}`,
    /has the name of the computer/,
  ],
  ['an active partition of a GPT', uefi, '<Format>NTFS', '<Active>true</Active><Format>NTFS', /Active is of disks for/],
  ['an EFI partition of a few MiB', uefi, '<Size>260', '<Size>50', /at least 100 MiB for EFI/],
  ['a path into the WIM', uefi, '/IMAGE/NAME', '/IMAGE/EditionID', /got "\/IMAGE\/EditionID"/],
  [
    'a letter of the medium',
    uefi,
    '<InstallFrom>',
    '<InstallFrom><Path>D:\\sources\\install.wim</Path>',
    /no letter of a/,
  ],
  ['a script on a floppy', uefi, '<Path>reg.exe', '<Path>cmd /c A:\\x.cmd &amp; reg.exe', /no floppy drive A: put/],
  ['a restart by hand', uefi, '<Path>reg.exe', '<Path>shutdown.exe /r /t 0 &amp; reg.exe', /WillReboot does/],
  [
    'an encoded password, for that alone',
    uefi,
    '<UserAccounts>',
    account(`<Name>a</Name><Password><Value>${encoded('Password')}</Value><PlainText>false</PlainText></Password>`),
    /holds a secret in the clear/,
  ],
])('warned of: %s', async (_, more, from, to, expected) => {
  expect(await said(more, from, to)).toEqual([expect.stringMatching(expected)]);
  expect((await said(more, from, to)).every((message) => message.startsWith('warning'))).toBe(true);
});

// What answer files of bento, packer-windows, windows-vagrant, packer-maas and image-builder have, and Windows takes.
test.each<[string, string, string | RegExp, string]>([
  ['a letter for the EFI partition', uefi, '<Label>System', '<Letter>S</Letter><Label>System'],
  [
    'a change of the MSR that changes nothing',
    uefi,
    '</ModifyPartitions>',
    '<ModifyPartition wcm:action="add"><Order>3</Order><PartitionID>2</PartitionID></ModifyPartition></ModifyPartitions>',
  ],
  ['partitions counted with a gap', uefi, /<Order>3<(\/Order>\s*<Type>)/, '<Order>4<$1'],
  ['no partition that is active', bios, '<Active>true</Active>', ''],
  ['the type of a recovery partition', bios, '<Letter>C', '<TypeID>0x07</TypeID><Letter>C'],
  [
    'any partition',
    uefi,
    /<InstallTo>[^]*?<\/InstallTo>/,
    '<InstallToAvailablePartition>true</InstallToAvailablePartition>',
  ],
  ['words in capitals', uefi, '<AcceptEula>true', '<AcceptEula>TRUE'],
  ['a layout by numbers', uefi, /<InputLocale>en-US/g, '<InputLocale>0409:00000409;0407:00000407'],
  [
    'an input method',
    uefi,
    /<InputLocale>en-US/g,
    '<InputLocale>0804:{81D4E9C9-1D3B-41BC-9E6C-4B40BF79E35E}{FA550B04-5AD7-411F-A5AC-CA038EC515D7}',
  ],
  ['a traditional order', uefi, /<UserLocale>en-US/g, '<UserLocale>es-ES_tradnl'],
  ['empty owners', uefi, /<RegisteredOwner>[^<]*/, '<RegisteredOwner>'],
  [
    'a key that only hides its page',
    uefi,
    '<UserData>',
    '<UserData><ProductKey><WillShowUI>Never</WillShowUI></ProductKey>',
  ],
  [
    'an administrator in small letters',
    uefi,
    '<UserAccounts>',
    account('<Name>vagrant</Name><Group>administrators</Group>'),
  ],
  [
    'a script of diskpart',
    uefi,
    /<DiskConfiguration>[^]*<\/DiskConfiguration>/,
    '<RunAsynchronous><RunAsynchronousCommand wcm:action="add"><Order>1</Order><Path>diskpart /s D:\\disk.txt</Path></RunAsynchronousCommand></RunAsynchronous>',
  ],
  [
    'an image that DISM applies',
    uefi,
    /<(DiskConfiguration)>[^]*<\/UserData>/,
    '<RunAsynchronous><RunAsynchronousCommand wcm:action="add"><Order>1</Order><Path>dism /Apply-Image /ImageFile:D:\\sources\\install.wim /Index:2 /ApplyDir:W:\\</Path></RunAsynchronousCommand></RunAsynchronous>',
  ],
  ['numbers of characters', uefi, /<TimeZone>UTC/g, '<TimeZone>&#x55;TC'],
  ['the namespace at each component', uefi, /versionScope="nonSxS"/g, `versionScope="NonSxS" xmlns:wcm="${state}"`],
  ['this machine as a domain', uefi, '<Username>', '<Domain>.</Domain><Username>'],
  [
    'a name with its domain to join by',
    uefi,
    /(?<=pass="specialize">)/,
    join('<Credentials><Username>CORP\\joiner</Username></Credentials>'),
  ],
  ['a group without spaces', uefi, '<UserAccounts>', account('<Name>a</Name><Group>RemoteDesktopUsers</Group>')],
  ['a key of an image in other letters', uefi, '/IMAGE/NAME', '/Image/Name'],
  ['an encoding that ASCII fits', uefi, 'encoding="utf-8"', 'encoding="us-ascii"'],
  ['no fallback', uefi, '<UserLocale>', '<UILanguageFallback/><UserLocale>'],
  [
    'what Windows 11 and old generators set',
    uefi,
    '<ComputerName>',
    '<ConfigureChatAutoInstall>false</ConfigureChatAutoInstall><DoNotCleanTaskBar>true</DoNotCleanTaskBar><Display><DPI>96</DPI></Display><ComputerName>',
  ],
  [
    'images of data',
    uefi,
    '</ImageInstall>',
    [1, 2]
      .map((order) => `<DataImage wcm:action="add"><Order>${order}</Order><WillShowUI>OnError</WillShowUI></DataImage>`)
      .join('') + '</ImageInstall>',
  ],
  ['a region of many countries', uefi, /<UserLocale>en-US/g, '<UserLocale>es-419'],
  ['a space between layouts', uefi, /<InputLocale>en-US/g, '<InputLocale>0409:00000409; 0407:00000407'],
])('left alone: %s', async (_, more, from, to) => {
  expect(await said(more, from, to)).toEqual([]);
});

test('one password is encoded differently for each element, and compared as it is typed', async () => {
  const holder = (name: string, password: string) => `<Value>${encoded(password + name)}</Value><PlainText>false`;
  const recipe = await windowsRecipe(uefi);
  const file = rendered(recipe, 'Autounattend.xml');
  const errors = (password: string) => {
    const text = file.text
      .replace(/(<AutoLogon>[^]*?)<Value>[^]*?<PlainText>true/, `$1${holder('Password', password)}`)
      .replace(/(<AdministratorPassword>\s*)<Value>[^]*?<PlainText>true/, `$1${holder('AdministratorPassword', 'pw')}`);
    const found = familyOf(recipe).lint?.(recipe, [{ ...file, text }]) ?? [];
    return found.filter(({ level }) => level === 'error').map(({ message }) => message);
  };
  expect(errors('pw')).toEqual([]);
  expect(errors('other')).toEqual(['AutoLogon has another password than the account that it logs on']);
});

test.each(['AdministratorPassword', 'Password', 'ProductKey'])(
  'a secret in %s itself is not repeated',
  async (name) => {
    const element = new RegExp(`<${name}>[^]*?</${name}>`);
    const messages = await said(`${uefi}productKey: generic\n`, element, `<${name}>hunter2</${name}>`);
    expect(messages.join('\n')).toMatch(/holds elements, no text: that belongs in its (Value|Key)/);
    expect(messages.join('\n')).not.toContain('hunter2');
  },
);
