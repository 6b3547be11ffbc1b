import { show } from '../../recipe/values.ts';
import { didYouMean } from '../../text.ts';
import type { WindowsRecipe } from './recipe.ts';
import { windowsRelease } from './releases.ts';
import { isKeyboard, isLanguage } from './languages.ts';
import { timeZones } from './timezones.ts';
import type { Report } from './unattend-disk.ts';
import { childOf, descendants, type Element, isTrue, textOf } from './unattend.ts';

/** Longest texts, in characters, by the "Unattended Windows Setup Reference". */
const longest: Readonly<Record<string, number>> = {
  CommandLine: 1024,
  FullName: 63,
  RegisteredOrganization: 256,
  RegisteredOwner: 256,
};

/** Values that Setup reads as a name, a time zone, a language or a command: by the "Unattended Windows Setup Reference". */
export function checkValues(recipe: WindowsRecipe, root: Element, report: Report): void {
  const all = (...names: string[]) => names.flatMap((name) => descendants(root, name));
  for (const name of all('ComputerName')) if (name.text !== '' && name.text !== '*') checkComputerName(name, report);
  // "TimeZone": `_dstoff` behind a name leaves daylight saving time out.
  const isZone = (name: string) => timeZones.some((each) => each.toLowerCase() === name.toLowerCase());
  for (const zone of all('TimeZone'))
    if (zone.text !== '' && !isZone(zone.text.replace(/_dstoff$/i, '')))
      report(zone, `TimeZone: Windows has no time zone ${show(zone.text)}${didYouMean(zone.text, timeZones)}`);
  for (const language of all('UILanguage', 'SystemLocale', 'UserLocale'))
    if (!isLanguage(language.text))
      report(language, `${language.name}: expected a language like en-US, got ${show(language.text)}`);
  // It "supports empty elements".
  for (const language of all('UILanguageFallback'))
    if (language.text !== '' && !isLanguage(language.text))
      report(language, `UILanguageFallback: expected a language like en-US, got ${show(language.text)}`);
  for (const keyboard of all('InputLocale'))
    if (!isKeyboard(keyboard.text))
      report(keyboard, `InputLocale: expected a layout like en-US or 0409:00000409, got ${show(keyboard.text)}`);
  checkCommands(root, report);
  for (const element of all(...Object.keys(longest))) {
    const most = longest[element.name] ?? Infinity;
    if (element.text.length > most)
      report(element, `${element.name}: expected at most ${most} characters, got ${element.text.length}`);
  }
  for (const element of all('Path', 'CommandLine'))
    if (/\bfor\s+(\/\w+\s+)*%%\w\s+in\b/i.test(element.text))
      report(element, `${element.name}: expected one percent sign before a variable of \`for\`: this is no batch file`);
  // Answer files of other builders have their scripts on one.
  for (const element of all('Path', 'CommandLine'))
    if (/(^|[\s"'=])a:[\\/]/i.test(element.text))
      report(
        element,
        `${element.name}: the machine has no floppy drive A: put what runs into \`install.commands\``,
        'warning',
      );
  checkModes(root, report);
  checkQuestions(recipe, root, report);
}

/** Settings after which Windows is not installed, or not as far as its first logon: each by its page of the reference. */
function checkModes(root: Element, report: Report): void {
  const all = (name: string) => descendants(root, name);
  for (const upgrade of all('UpgradeData'))
    if (isTrue(upgrade, 'Upgrade')) report(upgrade, 'UpgradeData: expected no Upgrade: true, for the disk is empty');
  for (const extend of all('ExtendOSPartition'))
    if (childOf(extend, 'Extend') && childOf(extend, 'Size'))
      report(extend, 'ExtendOSPartition has Extend and Size, at which Setup ends: leave one of them out');
  for (const restart of all('Restart'))
    if (restart.text === 'Shutdown')
      report(restart, 'Restart: with Shutdown the guest may power off before Windows is installed', 'warning');
  const runsInAudit = root.children.some(
    ({ attributes, children }) => attributes['pass'] === 'auditUser' && children.length > 0,
  );
  for (const reseal of all('Reseal'))
    if (textOf(reseal, 'Mode') === 'Audit' && !runsInAudit)
      report(reseal, 'Reseal: with the Mode Audit Windows waits in audit mode, and nothing runs in the pass auditUser');
}

/** What runs, and from which folders drivers come: texts of at most 259 characters. */
function checkCommands(root: Element, report: Report): void {
  const all = (...names: string[]) => names.flatMap((name) => descendants(root, name));
  const short = (element: Element | undefined) => {
    if (element && element.text.length > 259)
      report(element, `${element.name}: expected at most 259 characters, got ${element.text.length}`);
  };
  for (const command of all('RunSynchronousCommand', 'RunAsynchronousCommand')) {
    const path = childOf(command, 'Path');
    if (path === undefined) report(command, `${command.name} has no Path`);
    short(path);
    short(childOf(command, 'Description'));
    // "Do not add commands that shut down or reboot the computer" ("RunSynchronousCommand").
    if (path && /(^|[\\/\s"&])shutdown(\.exe)?\s+[/-]/i.test(path.text))
      report(path, 'Path: a command must not restart or power off Windows here: WillReboot does', 'warning');
  }
  for (const command of all('SynchronousCommand', 'AsynchronousCommand'))
    if (childOf(command, 'CommandLine') === undefined) report(command, `${command.name} has no CommandLine`);
  for (const folder of all('PathAndCredentials')) {
    const path = childOf(folder, 'Path');
    if (path === undefined) report(folder, 'PathAndCredentials has no Path');
    short(path);
    if (path && /["'<>|?*]|\.inf$/i.test(path.text))
      report(
        path,
        `Path: expected the folder of a driver, without quotes and without its .inf, got ${show(path.text)}`,
      );
  }
}

/** "ComputerName", whose 15 characters are bytes ("Computer Names"), and host names in RFC 1123. */
function checkComputerName(name: Element, report: Report): void {
  const bytes = Buffer.byteLength(name.text);
  if (bytes > 15) report(name, `ComputerName: expected at most 15 characters, got ${bytes}`);
  else if (/[*{|}~[\\\]^':;<=>?@!"#$%`()+/.,& _]/.test(name.text) || /^\d+$/.test(name.text))
    report(name, `ComputerName: expected letters, digits and hyphens, not digits alone, got ${show(name.text)}`);
  else if (/^-|-$/.test(name.text))
    report(name, `ComputerName: expected a letter or digit at both ends, got ${show(name.text)}`, 'warning');
}

/** What Setup and the first start ask where nothing answers. */
function checkQuestions(recipe: WindowsRecipe, root: Element, report: Report): void {
  const pass = (name: string) => root.children.find(({ attributes }) => attributes['pass'] === name);
  const setup = pass('windowsPE');
  // "Always: Specifies that the UI is always displayed" ("WillShowUI", "DisplayReport").
  for (const ask of setup ? ['WillShowUI', 'DisplayReport'].flatMap((name) => descendants(setup, name)) : [])
    if (ask.text === 'Always')
      report(ask, `${ask.name}: expected OnError or Never: with Always Setup shows its page and waits`);
  if (setup && !descendants(setup, 'SetupUILanguage').some((each) => textOf(each, 'UILanguage') !== undefined))
    report(setup, 'SetupUILanguage/UILanguage: expected a language: Setup may ask for its own', 'warning');
  if (setup && descendants(root, 'OOBE').length === 0)
    report(root, 'OOBE: expected its HideEULAPage and others: Windows may ask them at its first start', 'warning');
  // StefanScherer/packer-windows#39: Windows 10 stopped at the question for the region.
  const regions = descendants(root, 'component').filter(({ attributes: { name = '' } }) =>
    /International-Core$/i.test(name),
  );
  if (setup && !windowsRelease(recipe).isServer && regions.length === 0)
    report(
      root,
      'Microsoft-Windows-International-Core: expected it in the pass oobeSystem: Windows may ask for region and keyboard',
      'warning',
    );
  for (const oobe of descendants(root, 'OOBE'))
    if (!isTrue(oobe, 'HideEULAPage') && !isTrue(oobe, 'SkipMachineOOBE'))
      report(oobe, 'OOBE: expected HideEULAPage: true: Windows may show the license terms and wait', 'warning');
}
