import { show } from '../../recipe/values.ts';
import { didYouMean } from '../../text.ts';
import { isKeyboard, isLanguage } from './languages.ts';
import { timeZones } from './timezones.ts';
import type { Report } from './unattend-disk.ts';
import { childOf, descendants, type Element, isTrue, textOf } from './unattend.ts';

/** Longest texts, in characters, by the "Unattended Windows Setup Reference". */
const longest: Readonly<Record<string, number>> = { CommandLine: 1024, FullName: 63, RegisteredOrganization: 256 };

/** Values that Setup reads as a name, a time zone, a language or a command: by the "Unattended Windows Setup Reference". */
export function checkValues(root: Element, report: Report): void {
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
  for (const keyboard of all('InputLocale'))
    if (!isKeyboard(keyboard.text))
      report(keyboard, `InputLocale: expected a layout like en-US or 0409:00000409, got ${show(keyboard.text)}`);
  for (const command of all('RunSynchronousCommand', 'RunAsynchronousCommand')) {
    const path = childOf(command, 'Path');
    if (path === undefined) report(command, `${command.name} has no Path`);
    else if (path.text.length > 259) report(path, `Path: expected at most 259 characters, got ${path.text.length}`);
  }
  for (const element of all(...Object.keys(longest))) {
    const most = longest[element.name] ?? Infinity;
    if (element.text.length > most)
      report(element, `${element.name}: expected at most ${most} characters, got ${element.text.length}`);
  }
  for (const element of all('Path', 'CommandLine'))
    if (/\bfor\s+(\/\w+\s+)*%%\w\s+in\b/i.test(element.text))
      report(element, `${element.name}: expected one percent sign before a variable of \`for\`: this is no batch file`);
  checkQuestions(root, report);
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
function checkQuestions(root: Element, report: Report): void {
  const pass = (name: string) => root.children.find(({ attributes }) => attributes['pass'] === name);
  const setup = pass('windowsPE');
  if (setup && !descendants(setup, 'SetupUILanguage').some((each) => textOf(each, 'UILanguage') !== undefined))
    report(setup, 'SetupUILanguage/UILanguage: expected a language: Setup may ask for its own', 'warning');
  if (setup && descendants(root, 'OOBE').length === 0)
    report(root, 'OOBE: expected its HideEULAPage and others: Windows may ask them at its first start', 'warning');
  for (const oobe of descendants(root, 'OOBE'))
    if (!isTrue(oobe, 'HideEULAPage') && !isTrue(oobe, 'SkipMachineOOBE'))
      report(oobe, 'OOBE: expected HideEULAPage: true: Windows may show the license terms and wait', 'warning');
}
