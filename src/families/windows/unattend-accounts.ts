import { holeMark } from '../../answers/holes.ts';
import { show } from '../../recipe/values.ts';
import { didYouMean } from '../../text.ts';
import { administratorName } from './accounts.ts';
import type { WindowsRecipe } from './recipe.ts';
import { windowsRelease } from './releases.ts';
import { timeZones } from './timezones.ts';
import type { Report } from './unattend-disk.ts';
import { descendants, type Element } from './unattend.ts';
import { updatesOf } from './updates.ts';

const value = (element: Element, name: string) => element.children.find((child) => child.name === name);

/** Who logs on, by which password, and what the answer file says besides of the machine: by the "Unattended Windows Setup Reference". */
export function checkAccounts(recipe: WindowsRecipe, root: Element, report: Report): void {
  const users = descendants(root, 'LocalAccount').map((account) => value(account, 'Name')?.text.toLowerCase());
  const builtIn = administratorName(recipe.language);
  // "Username" of AutoLogon: only the English name enables the built-in account, which a server has enabled.
  const known = ['administrator', ...(windowsRelease(recipe).isServer ? [builtIn.toLowerCase()] : []), ...users];
  for (const logon of descendants(root, 'AutoLogon')) {
    if (value(logon, 'Enabled')?.text.toLowerCase() === 'false') continue;
    if (value(logon, 'LogonCount') === undefined)
      report(logon, 'AutoLogon has no LogonCount, which "must be specified if AutoLogon is used"');
    if (value(logon, 'LogonCount')?.text === '0') report(logon, 'AutoLogon: a LogonCount of 0 logs nobody on');
    const user = value(logon, 'Username');
    if (user === undefined) report(logon, 'AutoLogon has no Username');
    else if (value(logon, 'Domain') === undefined && user.text !== '' && !known.includes(user.text.toLowerCase()))
      report(
        user,
        user.text.toLowerCase() === builtIn.toLowerCase()
          ? `Username: ${show(user.text)} is disabled: only the English Administrator enables it, in any language`
          : `Username: nobody makes the user ${show(user.text)}: add a LocalAccount, or log on Administrator`,
      );
    else if (updatesOf(recipe) && !['administrator', builtIn.toLowerCase()].includes(user.text.toLowerCase()))
      // "FirstLogonCommands" run elevated, programs of the Run key do not; User Account Control leaves out the built-in Administrator.
      report(
        user,
        'Username: expected Administrator with updates: for another user build.cmd is not elevated after a restart',
      );
  }
  for (const element of descendants(root, 'PlainText')) {
    const holder = parentOf(root, element);
    const password = holder && value(holder, 'Value');
    if (element.text.toLowerCase() === 'false' && password?.text.includes(holeMark.trim()))
      report(
        element,
        'PlainText: expected true, for a secret is written as it is, and false means encoded by Windows SIM',
      );
  }
  for (const name of descendants(root, 'ComputerName')) {
    if (name.text !== '*' && name.text.length > 15)
      report(name, `ComputerName: expected at most 15 characters, got ${name.text.length}`);
    else if (/[{|}~[\\\]^':;<=>?@!"#$%`()+/.,& _]/.test(name.text) || /^\d+$/.test(name.text))
      report(name, `ComputerName: expected letters, digits and hyphens, not digits alone, got ${show(name.text)}`);
  }
  // "TimeZone": `_dstoff` behind a name leaves daylight saving time out.
  const isZone = (name: string) => timeZones.some((each) => each.toLowerCase() === name.toLowerCase());
  for (const zone of descendants(root, 'TimeZone'))
    if (zone.text !== '' && !isZone(zone.text.replace(/_dstoff$/i, '')))
      report(zone, `TimeZone: Windows has no time zone ${show(zone.text)}${didYouMean(zone.text, timeZones)}`);
  for (const command of [
    ...descendants(root, 'RunSynchronousCommand'),
    ...descendants(root, 'RunAsynchronousCommand'),
  ]) {
    const path = value(command, 'Path');
    if (path === undefined) report(command, `${command.name} has no Path`);
    else if (path.text.length > 259) report(path, `Path: expected at most 259 characters, got ${path.text.length}`);
  }
}

function parentOf(root: Element, element: Element): Element | undefined {
  if (root.children.includes(element)) return root;
  for (const child of root.children) {
    const found = parentOf(child, element);
    if (found) return found;
  }
  return undefined;
}
