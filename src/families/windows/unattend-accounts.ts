import { holeMark } from '../../answers/holes.ts';
import { show } from '../../recipe/values.ts';
import { didYouMean } from '../../text.ts';
import { administratorName } from './accounts.ts';
import type { WindowsRecipe } from './recipe.ts';
import { windowsRelease } from './releases.ts';
import type { Report } from './unattend-disk.ts';
import { childOf, descendants, type Element, isTrue, textOf } from './unattend.ts';
import { updatesOf } from './updates.ts';

/** Who logs on, how often ("LogonCount") and by which password: by the "Unattended Windows Setup Reference", where Enabled is false unless it says true. */
export function checkAccounts(recipe: WindowsRecipe, root: Element, report: Report): void {
  const accounts = descendants(root, 'LocalAccount');
  checkNames(recipe, accounts, report);
  checkComputers(root, accounts, report);
  for (const join of descendants(root, 'Identification')) checkJoin(join, report);
  const logons = descendants(root, 'AutoLogon').filter((logon) => isTrue(logon, 'Enabled'));
  for (const logon of logons) {
    checkLogon(recipe, logon, accounts, report);
    checkDomain(root, logon, report);
    checkPassword(root, logon, accounts, report);
  }
  const [first] = descendants(root, 'FirstLogonCommands').filter(({ children }) => children.length > 0);
  if (first && logons.length === 0)
    report(first, 'FirstLogonCommands wait for somebody to log on: expected an AutoLogon with Enabled: true');
  // "Order" of SynchronousCommand: all are "now started at the same time". Its parent's page says the opposite: one after another.
  const commands = first?.children ?? [];
  const build = commands.find((command) => /build\.cmd/i.test(textOf(command, 'CommandLine') ?? ''));
  if (build && commands.length > 1)
    report(
      build,
      'FirstLogonCommands: Windows may start the others while build.cmd runs: put them into `install.commands`',
      'warning',
    );
  checkPlainText(root, report);
}

/** "Name" of LocalAccount, whose length is that of USER_INFO_0: 20 characters. */
function checkNames(recipe: WindowsRecipe, accounts: readonly Element[], report: Report): void {
  const seen = new Set<string>();
  for (const account of accounts) {
    const name = childOf(account, 'Name');
    if (!name) {
      report(account, 'LocalAccount has no Name');
      continue;
    }
    for (const text of ['Description', 'DisplayName'].flatMap((each) => childOf(account, each) ?? []))
      if (text.text.length > 256)
        report(text, `${text.name}: expected at most 256 characters, got ${text.text.length}`);
    if (name.text.length > 20) report(name, `Name: expected at most 20 characters, got ${name.text.length}`);
    if (/["/\\[\]:|<>+=;,?*%@]|\.$|^none$/i.test(name.text))
      report(
        name,
        `Name: expected a user name without any of " / \\ [ ] : | < > + = ; , ? * % @, got ${show(name.text)}`,
      );
    if (isNamed([...groupNames, ...restricted], name.text))
      report(name, `Name: ${show(name.text)} is a name of Windows itself, which no user can have`);
    if (seen.has(name.text.toLowerCase())) report(name, `Name: the user ${show(name.text)} is made twice`);
    seen.add(name.text.toLowerCase());
    const [strange] = groupsOf(account).filter((group) => group !== '' && !isNamed(groupNames, group));
    // A group of another language is one that this cannot know.
    if (strange !== undefined && recipe.language.startsWith('en-'))
      report(
        childOf(account, 'Group') ?? account,
        `Group: Windows may have no group ${show(strange)}${didYouMean(strange, groupNames)}`,
        'warning',
      );
  }
}

/** No domain, or the machine itself, as bento and others write it. */
function isLocal(domain = ''): boolean {
  return ['', '.', '%computername%'].includes(domain.toLowerCase());
}

/** Without "Microsoft-Windows-UnattendedJoin", the machine is of no domain that anybody could log on to. */
function checkDomain(root: Element, logon: Element, report: Report): void {
  const domain = childOf(logon, 'Domain');
  const names = descendants(root, 'ComputerName').map(({ text }) => text.toLowerCase());
  if (!domain || isLocal(domain.text) || names.includes(domain.text.toLowerCase())) return;
  if (descendants(root, 'Identification').length === 0 && descendants(root, 'OfflineIdentification').length === 0)
    report(
      domain,
      `Domain: nothing joins the domain ${show(domain.text)}: leave it out, or write a dot for this machine`,
    );
}

/** "JoinDomain" and, of its Credentials, "Domain" of Microsoft-Windows-UnattendedJoin. */
function checkJoin(join: Element, report: Report): void {
  const workgroup = childOf(join, 'JoinWorkgroup');
  if (workgroup && childOf(join, 'JoinDomain'))
    report(workgroup, 'JoinWorkgroup: expected none beside JoinDomain: a machine is in one or the other');
  const credentials = childOf(join, 'Credentials');
  const user = childOf(credentials, 'Username');
  if (!user || childOf(credentials, 'Domain') || user.text.includes(holeMark.trim())) return;
  if (!/[@\\]/.test(user.text))
    report(
      user,
      `Username: expected a Domain beside it, or a name like user@example.com or EXAMPLE\\user, got ${show(user.text)}`,
    );
}

/** Windows XP refused it, for both are names of NetBIOS; no page about answer files says whether Setup still does. */
function checkComputers(root: Element, accounts: readonly Element[], report: Report): void {
  const computers = descendants(root, 'ComputerName').map(({ text }) => text.toLowerCase());
  for (const account of accounts) {
    const name = childOf(account, 'Name');
    if (name && name.text !== '' && computers.includes(name.text.toLowerCase()))
      report(
        name,
        `Name: the user ${show(name.text)} has the name of the computer, which Windows may refuse`,
        'warning',
      );
  }
}

/**
 * Groups of Windows by their English names, which it takes in any language ("Username"), and by those without spaces that "Group"
 * of DomainAccount lists; of the first one alone are administrators.
 */
const groupNames = [
  ...['Administrators', 'Users', 'Power Users', 'Guests', 'Backup Operators', 'Remote Desktop Users'],
  ...[
    'Remote Management Users',
    'Hyper-V Administrators',
    'Performance Monitor Users',
    'Network Configuration Operators',
  ],
  ...['AccountOperators', 'BackupOperators', 'CryptoOperators', 'DCOMUsers', 'IUsers', 'NetworkConfigurationOperators'],
  ...['PerfLoggingUsers', 'PerfMonitoringUsers', 'PowerUsers', 'PrintOperators', 'RemoteDesktopUsers', 'Replicator'],
  'SystemOperators',
];

/** Names that no user may have besides those of groups ("Restricted User Names", KB 266633). */
const restricted = [
  ...['Null SID', 'Everyone', 'Local', 'Creator Owner', 'Creator Group', 'NT Authority', 'Dialup', 'Network', 'Batch'],
  ...['Interactive', 'Service', 'Builtin', 'System', 'Anonymous Logon', 'Self', 'Authenticated Users', 'Restricted'],
  'Proxy',
];

/** The groups of an account, separated by semicolons ("Group" of LocalAccount). */
function groupsOf(account: Element): string[] {
  return (textOf(account, 'Group') ?? '').split(';').map((group) => group.trim());
}

const isNamed = (names: readonly string[], name: string) =>
  names.some((each) => each.toLowerCase() === name.toLowerCase());

function checkLogon(recipe: WindowsRecipe, logon: Element, accounts: readonly Element[], report: Report): void {
  const builtIn = administratorName(recipe.language);
  const users = accounts.map((account) => textOf(account, 'Name')?.toLowerCase());
  // "Username" of AutoLogon: only the English name enables the built-in account, which a server has enabled.
  const known = ['administrator', ...(windowsRelease(recipe).isServer ? [builtIn.toLowerCase()] : []), ...users];
  const count = textOf(logon, 'LogonCount');
  if (count === undefined) report(logon, 'AutoLogon has no LogonCount, which "must be specified if AutoLogon is used"');
  if (/^0+$/.test(count ?? '')) report(logon, 'AutoLogon: a LogonCount of 0 logs nobody on');
  const user = childOf(logon, 'Username');
  const name = user?.text.toLowerCase() ?? '';
  if (user === undefined) return report(logon, 'AutoLogon has no Username');
  if (isLocal(textOf(logon, 'Domain')) && name !== '' && !known.includes(name))
    return report(
      user,
      name === builtIn.toLowerCase()
        ? `Username: ${show(user.text)} is disabled: only the English Administrator enables it, in any language`
        : `Username: nobody makes the user ${show(user.text)}: add a LocalAccount, or log on Administrator`,
    );
  if (updatesOf(recipe) && !['administrator', builtIn.toLowerCase()].includes(name))
    // "FirstLogonCommands" run elevated, programs of the Run key do not; User Account Control leaves out the built-in Administrator.
    report(
      user,
      'Username: expected Administrator with updates: for another user build.cmd is not elevated after a restart',
    );
  const account = accounts.find((each) => textOf(each, 'Name')?.toLowerCase() === name);
  if (account && groupsOf(account).every((group) => group === '' || isNamed(groupNames.slice(1), group)))
    report(user, `Username: ${show(user.text)} is no member of Administrators, for whom alone FirstLogonCommands run`);
}

/** A logon by another password than that of the account fails, and Windows waits. */
function checkPassword(root: Element, logon: Element, accounts: readonly Element[], report: Report): void {
  const name = textOf(logon, 'Username')?.toLowerCase();
  const account = accounts.find((each) => textOf(each, 'Name')?.toLowerCase() === name);
  const [administrator] = descendants(root, 'AdministratorPassword');
  const wanted = account ? childOf(account, 'Password') : name === 'administrator' ? administrator : undefined;
  const given = childOf(logon, 'Password');
  if (!account && !administrator && name === 'administrator' && (textOf(given, 'Value') ?? '') !== '')
    report(logon, 'UserAccounts: expected an AdministratorPassword, by which AutoLogon logs on', 'warning');
  const form = (password: Element) => textOf(password, 'PlainText')?.toLowerCase();
  const isSecret = (password: Element) => textOf(password, 'Value')?.includes(holeMark.trim());
  if (!wanted) return;
  // What is written in two forms can be compared only if neither is a secret, and each says which form it has.
  if (given && form(given) !== form(wanted)) {
    if ([given, wanted].some((each) => form(each) === undefined || isSecret(each))) return;
  }
  if (passwordOf(given) !== passwordOf(wanted))
    report(given ?? logon, 'AutoLogon has another password than the account that it logs on');
}

function checkPlainText(root: Element, report: Report): void {
  for (const holder of [...descendants(root, 'Password'), ...descendants(root, 'AdministratorPassword')]) {
    const element = childOf(holder, 'PlainText');
    if (element?.text.toLowerCase() === 'false' && textOf(holder, 'Value')?.includes(holeMark.trim()))
      report(
        element,
        'PlainText: expected true, for a secret is written as it is, and false means encoded by Windows SIM',
      );
    else if (element?.text.toLowerCase() === 'false') checkEncoded(holder, report);
  }
}

/** The encoded passwords in the examples of the reference are UTF-16 in base64, with the name of their element behind the password. */
function decoded(value: string): string {
  return Buffer.from(value, 'base64').toString('utf16le');
}

/** A password as it is typed; of one that is encoded otherwise, all that is decoded. */
function passwordOf(holder: Element | undefined): string {
  const value = textOf(holder, 'Value') ?? '';
  if (!holder || value.includes(holeMark.trim()) || textOf(holder, 'PlainText')?.toLowerCase() !== 'false')
    return value;
  const text = decoded(value);
  return text.endsWith(holder.name) ? text.slice(0, -holder.name.length) : text;
}

function checkEncoded(holder: Element, report: Report): void {
  const value = childOf(holder, 'Value');
  if (!value || value.text === '' || value.text.includes(holeMark.trim())) return;
  if (!decoded(value.text).endsWith(holder.name))
    report(
      value,
      `Value: expected what Windows SIM encodes, which ends in ${holder.name}: write PlainText: true for a password as it is`,
    );
}
