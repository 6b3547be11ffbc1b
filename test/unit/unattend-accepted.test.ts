import { expect, test } from 'vitest';
import { familyOf } from '../../src/families/index.ts';
import { rendered } from '../support/rhel.ts';
import { account, bios, encoded, join, said, uefi } from '../support/unattend.ts';
import { windowsRecipe } from '../support/windows.ts';

const state = 'http://schemas.microsoft.com/WMIConfig/2002/State';

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
