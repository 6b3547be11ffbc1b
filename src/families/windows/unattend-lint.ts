import { show } from '../../recipe/values.ts';
import { holeMark } from '../../answers/holes.ts';
import { isLanguage } from './languages.ts';
import { otherComponents } from './unattend-components.ts';
import { type Element, parseXml, positionOf, textOf } from './unattend.ts';
import { components, listItems, passes } from './unattend-schema.ts';
import { checkNamespaces, namespace } from './unattend-names.ts';
import type { Children, Rule } from './unattend-settings.ts';
import { didYouMean, distance } from '../../text.ts';

/** A mistake; `line` and `column` count from 1. A warning does not stop anything. */
export type Remark = { line: number; column: number; level: 'error' | 'warning'; message: string };

/** That of every component in the catalogs of the Windows Assessment and Deployment Kit. */
const token = '31bf3856ad364e35';
const isToken = (text: string) => /^[0-9a-f]{16}$/i.test(text);
const architectures = ['amd64', 'x86', 'arm64', 'wow64'];

type Lint = {
  report: (at: Element, message: string, level?: Remark['level']) => void;
  /** Texts that look like secrets and are none: published product keys. */
  published: readonly string[];
};

/**
 * Finds mistakes in an Autounattend.xml over which Setup would stop at a dialog, or pass without a word. `text` is the
 * rendered file, in which secrets are still holes: that is how one written into the template is told from one that is not.
 */
export function lintUnattend(
  text: string,
  published: readonly string[] = [],
): { root: Element | undefined; remarks: Remark[] } {
  const parsed = parseXml(text);
  if (!('root' in parsed)) {
    const { line, column, message } = parsed;
    return { root: undefined, remarks: [{ line, column, level: 'error', message: `is not XML: ${message}` }] };
  }
  const remarks: Remark[] = [];
  const report: Lint['report'] = ({ at }, message, level = 'error') =>
    remarks.push({ ...positionOf(text, at), level, message });
  lintRoot(parsed.root, text, { report, published });
  return { root: parsed.root, remarks: remarks.toSorted((a, b) => a.line - b.line || a.column - b.column) };
}

function lintRoot(root: Element, text: string, lint: Lint): void {
  if (root.name !== 'unattend') return lint.report(root, `expected the element unattend, got ${root.name}`);
  if (root.attributes['xmlns'] !== namespace)
    lint.report(root, `expected xmlns="${namespace}": Setup passes over the file`);
  checkNamespaces(root, lint.report);
  const declared = /^<\?xml[^>]*\sencoding=["']([^"']*)["']/.exec(text)?.[1];
  if (declared !== undefined && !holdsAs(declared, text))
    lint.report(root, `the file is written in UTF-8, and its first line says ${show(declared)}`);
  noText(root, lint);
  const seen = new Set<string>();
  for (const settings of root.children) {
    // Generators keep things of their own in the file, in a namespace of their own.
    if ((settings.attributes['xmlns'] ?? namespace) !== namespace) continue;
    if (settings.name !== 'settings') {
      // Catalogs of Windows System Image Manager and the like have a prefix.
      if (settings.name !== 'servicing' && !settings.name.includes(':'))
        lint.report(
          settings,
          `unknown element ${settings.name}${didYouMean(settings.name, ['settings', 'servicing'])}`,
        );
      continue;
    }
    lintSettings(settings, seen, lint);
  }
}

/** `hidden` is a rule of an element that holds a secret, which may be the very text, and is never repeated. */
function noText(element: Element, { report }: Lint, hidden: Children = {}): void {
  if (element.text === '') return;
  const [wanted] = Object.entries(hidden).find(([, rule]) => rule === 'secret') ?? [];
  const instead = wanted === undefined ? `not ${show(element.text)}` : `no text: that belongs in its ${wanted}`;
  report(element, `${called(element)} holds elements, ${instead}`);
}

/** A component by its own name. */
function called({ name, attributes }: Element): string {
  return name === 'component' ? (attributes['name'] ?? name) : name;
}

/** Where an element stands that does not belong where it is: components that hold it, or elements of this one that do. */
function elsewhere(name: string, rules: Children): string {
  const holders = Object.entries(rules).filter(([, rule]) => isChildren(rule) && Object.hasOwn(rule, name));
  const owners = Object.entries(components).filter(([, { holds }]) => Object.hasOwn(holds, name));
  const places = (holders.length > 0 ? holders : owners).map(([place]) => place);
  return places.length === 0 || places.length > 3 ? '' : `; it belongs to ${places.join(' or ')}`;
}

const isChildren = (rule: Rule): rule is Children => typeof rule === 'object' && !Array.isArray(rule);

/** Whether a text that is written in UTF-8 is read alike in the encoding that it declares, by a name of IANA ("XML 1.0", 4.3.3). */
function holdsAs(encoding: string, text: string): boolean {
  if (/^utf-8$/i.test(encoding)) return true;
  const own = text.replaceAll(new RegExp(`${holeMark}[^⟩]*⟩`, 'g'), '');
  // oxlint-disable-next-line no-control-regex
  return /^(us-ascii|iso-8859-\d+|windows-125\d)$/i.test(encoding) && /^[\u0000-\u007f]*$/.test(own);
}

/** `seen` holds the components of the passes before, for a pass may be written in two pieces. */
function lintSettings(settings: Element, seen: Set<string>, lint: Lint): void {
  const pass = settings.attributes['pass'];
  if (pass === undefined) return lint.report(settings, 'settings has no attribute pass');
  if (!(passes as readonly string[]).includes(pass))
    return lint.report(
      settings,
      `there is no pass ${show(pass)}${didYouMean(pass, passes)}; there are ${passes.join(', ')}`,
    );
  // What Windows writes into its own copy; BOSH's `Remove-WasPassProcessed` takes it out for the same reason.
  if (settings.attributes['wasPassProcessed']?.toLowerCase() === 'true')
    lint.report(
      settings,
      `wasPassProcessed="true" says that the pass ${pass} is done, and Setup passes over it: leave it out`,
    );
  noText(settings, lint);
  for (const component of settings.children) {
    if (component.name !== 'component') {
      lint.report(component, `unknown element ${component.name}${didYouMean(component.name, ['component'])}`);
      continue;
    }
    const { name = '', processorArchitecture: architecture = '' } = component.attributes;
    const twin = `${pass} ${name} ${architecture}`.toLowerCase();
    if (seen.has(twin)) lint.report(component, `${name} is in the pass ${pass} twice`);
    seen.add(twin);
    lintComponent(component, pass, lint);
  }
}

function lintComponent(component: Element, pass: string, lint: Lint): void {
  const { name, processorArchitecture, publicKeyToken, language, versionScope } = component.attributes;
  if (name === undefined) return lint.report(component, 'a component has no attribute name');
  if (processorArchitecture === undefined)
    lint.report(component, `${name} has no attribute processorArchitecture: Setup passes over it or refuses the file`);
  else if (!architectures.includes(processorArchitecture.toLowerCase()))
    lint.report(
      component,
      `processorArchitecture: expected ${architectures.join(', ')}, got ${show(processorArchitecture)}`,
    );
  const missing = Object.entries({ publicKeyToken, language }).filter(([, value]) => value === undefined);
  if (missing.length > 0) lint.report(component, `${name} has no attribute ${missing.map(([key]) => key).join(', ')}`);
  if (publicKeyToken !== undefined && !isToken(publicKeyToken))
    lint.report(component, `publicKeyToken: expected 16 hexadecimal digits, got ${show(publicKeyToken)}`);
  if (language !== undefined && language.toLowerCase() !== 'neutral')
    lint.report(
      component,
      `language: expected neutral, got ${show(language)}`,
      isLanguage(language) ? 'warning' : 'error',
    );
  if (versionScope !== undefined && !/^(nonSxS|neutral)$/i.test(versionScope))
    lint.report(component, `versionScope: expected nonSxS, got ${show(versionScope)}`);
  const rule = find(Object.entries(components), name);
  const belongs = rule?.passes ?? find([...otherComponents], name);
  if (!belongs) return lint.report(component, ...unknownComponent(name));
  if (publicKeyToken !== undefined && isToken(publicKeyToken) && publicKeyToken.toLowerCase() !== token)
    lint.report(
      component,
      `publicKeyToken: expected ${token}, that of the components of Windows, got ${publicKeyToken}`,
    );
  if (!belongs.includes(pass))
    return lint.report(component, `${name} does not belong to the pass ${pass}, but to ${belongs.join(' or ')}`);
  if (!rule) return;
  noText(component, lint);
  for (const child of component.children) {
    const only = rule.only?.[child.name];
    if (only && !only.includes(pass))
      lint.report(
        child,
        `${child.name} does not belong to the pass ${pass}, but to ${only.join(' or ')}`,
        rule.ignored?.[child.name]?.includes(pass) ? 'warning' : 'error',
      );
  }
  lintChildren(component, rule.holds, lint);
}

/** Old answer files do not agree on the case of the names of components. */
function find<T>(table: readonly (readonly [name: string, value: T])[], name: string): T | undefined {
  return table.find(([known]) => known.toLowerCase() === name.toLowerCase())?.[1];
}

/** Windows has more components than are published: only one that is nearly one of these is surely a mistake. */
function unknownComponent(name: string): [message: string, level: Remark['level']] {
  const known = [...Object.keys(components), ...otherComponents.keys()];
  const meant = known.find((each) => distance(each.toLowerCase(), name.toLowerCase()) <= 2);
  return meant === undefined
    ? [`no component ${name} is known`, 'warning']
    : [`there is no component ${name}, did you mean "${meant}"?`, 'error'];
}

/** Elements whose type "does not support empty elements", as the "Unattended Windows Setup Reference" says of each. */
const neverEmpty = [
  ...['FullName', 'Group', 'Key', 'Label', 'Letter', 'Name', 'Path', 'RunAsynchronous', 'RunSynchronous', 'TimeZone'],
  ...['TypeID', 'Username'],
];

/** Elements that work when they are empty, in answer files that are published, and say nothing. */
const idleEmpty = ['CommandLine', 'ComputerName'];

/** Commands, whose Order is "between 1 and 500"; partitions are counted as they are. */
const commands = ['AsynchronousCommand', 'RunAsynchronousCommand', 'RunSynchronousCommand', 'SynchronousCommand'];

function lintChildren(element: Element, rules: Children, lint: Lint): void {
  const orders = new Set<string>();
  const seen = new Set<string>();
  for (const child of element.children) {
    const rule = Object.hasOwn(rules, child.name) ? rules[child.name] : undefined;
    if (rule === undefined) {
      const known = Object.keys(rules);
      lint.report(
        child,
        `${called(element)} has no element ${child.name}${didYouMean(child.name, known) || elsewhere(child.name, rules) || `; it has ${known.join(', ')}`}`,
      );
      continue;
    }
    lintItem(child, lint);
    if (typeof rule === 'object' && 'Order' in rule) lintOrder(child, orders, lint);
    const key = child.attributes['wcm:keyValue'];
    const twin = listItems.includes(child.name) ? key && `${child.name} with wcm:keyValue="${key}"` : child.name;
    if (twin !== undefined && seen.has(twin)) lint.report(child, `${twin} is in ${called(element)} twice`);
    if (twin !== undefined) seen.add(twin);
    if (child.text === '' && child.children.length === 0) lintEmpty(child, element, lint);
    lintValue(child, rule, lint);
  }
}

/** What an entry of a list says of itself. */
function lintItem({ name, attributes, ...element }: Element, { report }: Lint): void {
  if (!listItems.includes(name)) return;
  const at = { name, attributes, ...element };
  const action = attributes['wcm:action'];
  if (action === undefined) report(at, `${name} has no attribute wcm:action="add"`, 'warning');
  else if (!['add', 'modify', 'remove'].includes(action))
    report(at, `${name}: expected wcm:action="add", got ${show(action)}`);
  if (name === 'PathAndCredentials' && !attributes['wcm:keyValue'])
    report(at, `${name} has no attribute wcm:keyValue="1"`, 'warning');
}

function lintOrder(item: Element, orders: Set<string>, { report }: Lint): void {
  const order = textOf(item, 'Order');
  if (order === undefined) return report(item, `${item.name} has no Order`);
  const number = `${item.name} ${/^\d+$/.test(order) ? Number(order) : order}`;
  if (orders.has(number)) report(item, `the order ${order} is already used above`);
  orders.add(number);
  if (/^0+$/.test(order)) report(item, `${item.name}: the order begins at 1`);
  if (commands.includes(item.name) && Number(order) > 500) report(item, `${item.name}: the order ends at 500`);
}

function lintEmpty(child: Element, parent: Element, { report }: Lint): void {
  const name = called(parent);
  const isRefused = neverEmpty.includes(child.name) || (child.name === 'Value' && name === 'MetaData');
  if (isRefused) report(child, `${child.name} of ${name} is empty: Setup takes no empty one, leave it out or fill it`);
  else if (idleEmpty.includes(child.name))
    report(child, `${child.name} of ${name} is empty: leave it out or fill it`, 'warning');
}

function lintValue(element: Element, rule: Rule, lint: Lint): void {
  const { name, text, children } = element;
  if (isChildren(rule)) {
    // A rule without names stands for what is not looked into.
    if (Object.keys(rule).length > 0) {
      noText(element, lint, rule);
      lintChildren(element, rule, lint);
    }
    return;
  }
  const [inner] = children;
  if (inner) return lint.report(inner, `${name} holds a value, not the element ${inner.name}`);
  const hole = text.includes(holeMark.trim());
  if (rule === 'number' && !hole && !/^\d+$/.test(text))
    lint.report(element, `${name}: expected a number, got ${show(text)}`);
  else if (rule === 'number' && Number(text) > 0xff_ff_ff_ff)
    lint.report(element, `${name}: expected a number of 32 bits, got ${text}`);
  if (rule === 'boolean' && !hole && !/^(true|false)$/i.test(text))
    lint.report(element, `${name}: expected true or false, got ${show(text)}`);
  if (Array.isArray(rule) && !hole && !rule.includes(text))
    lint.report(
      element,
      `${name}: expected ${rule.join(', ')}, got ${show(text)}${/^\d/.test(text) ? '' : didYouMean(text, rule as string[])}`,
    );
  if (rule === 'secret' && text !== '' && !hole && !lint.published.includes(text.toUpperCase()))
    lint.report(
      element,
      `${name} holds a secret in the clear: write {{secret NAME}} and let the recipe refer to it`,
      'warning',
    );
}
