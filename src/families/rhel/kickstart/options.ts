import { didYouMean } from '../../../text.ts';
import type { Entry } from './table.ts';

/** What a command says: its options by their first name, each with its values (none where it has none), and its other words. */
export type Said = { options: ReadonlyMap<string, readonly string[]>; words: readonly string[] };

/** What was read of a command, and the first mistake in it. Deprecated options are named by their first name. */
export type Reading = Said & { mistake?: string; deprecated: readonly string[] };

/** Reads the words behind a command as pykickstart's parser (Python's argparse) does. */
export function readOptions(entry: Entry, args: readonly string[]): Reading {
  const { options: kinds = {}, required = [], deprecatedOptions = [] } = entry;
  const options = new Map<string, string[]>();
  const words: string[] = [];
  const mistakes: string[] = [];
  for (let index = 0; index < args.length; index += 1) {
    const word = args[index] ?? '';
    if (!isOption(word)) {
      words.push(word);
      continue;
    }
    const [head = '', joined] = word.split(/=(.*)/s);
    const option = findOption(head, kinds);
    if ('mistake' in option) {
      mistakes.push(option.mistake);
      continue;
    }
    const { name, kind } = option;
    const following = args[index + 1];
    const takes = kind !== 'flag' && joined === undefined && following !== undefined && !isOption(following);
    if (takes) index += 1;
    const value = joined ?? (takes ? following : undefined);
    const wrong = wrongValue(kind, value);
    if (wrong) mistakes.push(`${head} ${wrong}`);
    options.set(name, [
      ...(kind === 'text*' ? (options.get(name) ?? []) : []),
      ...(value === undefined ? [] : [plainValue(kind, value)]),
    ]);
  }
  for (const name of required) if (!options.has(name)) mistakes.push(`${name} is missing`);
  const [mistake = ruleBroken(entry, { options, words })] = mistakes;
  const deprecated = deprecatedOptions.filter((name) => options.has(name));
  return { options, words, deprecated, ...(mistake !== undefined && { mistake }) };
}

/** A word of options begins with a hyphen, and is no negative number and no text with spaces in front of a "=". */
function isOption(word: string): boolean {
  return /^-[^\s=]/.test(word) && !/^-(\d+|\d*\.\d+)$/.test(word) && !/^[^=]*\s/.test(word);
}

/** An option by its name or, as argparse allows, by its beginning. */
function findOption(
  head: string,
  kinds: Readonly<Record<string, string>>,
): { name: string; kind: string } | { mistake: string } {
  const begun = Object.keys(kinds).filter((name) => name.startsWith(head));
  const [found] = Object.hasOwn(kinds, head) ? [head] : begun;
  if (found === undefined) return { mistake: `there is no option ${head}${didYouMean(head, Object.keys(kinds))}` };
  if (found !== head && begun.length > 1) return { mistake: `${head} may be ${begun.join(' or ')}` };
  const kind = kinds[found] ?? 'flag';
  return kind.startsWith('--') ? { name: kind, kind: kinds[kind] ?? 'flag' } : { name: found, kind };
}

/** A value as rules compare it. */
function plainValue(kind: string, value: string): string {
  if (kind.startsWith('i:')) return value.toLowerCase();
  return kind === 'int' ? String(Number(value.replaceAll('_', ''))) : value;
}

function wrongValue(kind: string, value: string | undefined): string | undefined {
  if (kind === 'flag') return value === undefined ? undefined : 'takes no value';
  if (value === undefined) return kind === 'text?' ? undefined : 'needs a value';
  if (kind === 'int') return /^\s*[+-]?\d+(_\d+)*\s*$/.test(value) ? undefined : `is no whole number: "${value}"`;
  if (kind === 'bool')
    return /^(on|yes|true|1|off|no|false|0)$/i.test(value) ? undefined : `is neither yes nor no: "${value}"`;
  if (kind.startsWith('text')) return undefined;
  const any = kind.startsWith('i:');
  const choices = kind.slice(any ? 2 : 0).split('|');
  return choices.includes(any ? value.toLowerCase() : value)
    ? undefined
    : `is none of ${choices.join(', ')}: "${value}"`;
}

/** The first rule of the entry that is broken, in words. */
function ruleBroken({ words: [least, most] = [0, null], match = [], rules = [], options = {} }: Entry, said: Said) {
  const { length } = said.words;
  if (length < least) return length === 0 ? `an argument is missing` : `${least} arguments are needed`;
  if (most !== null && length > most)
    return most === 0 ? `takes no argument: "${said.words[0]}"` : `an argument too many: "${said.words[most]}"`;
  for (const [what, pattern] of match) {
    const wrong = valuesOf(what, said).find((value) => !new RegExp(`^(?:${pattern})$`, 's').test(value));
    if (wrong !== undefined)
      return what.startsWith('#') ? `"${wrong}" is not possible` : `${what}=${wrong} is not possible`;
  }
  const there = (condition: string) => holds(condition, said, options);
  const rule = rules.find(([given, needed]) => given.every(there) && !needed.some(there));
  return rule && ruleText(...rule);
}

function ruleText(given: readonly string[], needed: readonly string[]): string {
  const text = (names: readonly string[], word: string) =>
    names.map((name) => (/^#\d$/.test(name) ? 'an argument' : name.replace(/^#\d=/, ''))).join(` ${word} `);
  if (given.length === 0) return `needs ${text(needed, 'or')}`;
  if (needed.length > 0) return `${text(given, 'with')} needs ${text(needed, 'or')}`;
  return given.length === 1 ? `${text(given, '')} is not possible` : `${text(given, 'and')} exclude each other`;
}

/** The values of an option, or of word `#N`. */
function valuesOf(name: string, { options, words }: Said): readonly string[] {
  if (!name.startsWith('#')) return options.get(name) ?? [];
  const index = Number(name.slice(1)) - 1;
  return words.slice(index, index + 1);
}

/** Whether an option (with a value, where one is named) or a word is there. An empty value or the number 0 is none, as pykickstart has it. */
function holds(condition: string, said: Said, kinds: Readonly<Record<string, string>>): boolean {
  const [name = '', wanted] = condition.split('=');
  const values = valuesOf(name, said);
  if (wanted !== undefined) return values.includes(wanted);
  const bare = said.options.has(name) && values.length === 0;
  return bare || values.some((value) => value !== '' && !(kinds[name] === 'int' && value === '0'));
}
