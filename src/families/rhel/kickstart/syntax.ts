import { didYouMean, nearest } from '../../../text.ts';
import { rhelMajors } from '../releases.ts';
import { readOptions, type Said } from './options.ts';
import { canonical, tableOf, type Table } from './table.ts';
import { readText, type KickstartText, type Line } from './text.ts';

/** A mistake in a kickstart, or something doubtful; the line counts from 1. */
export type Remark = { line: number; level: 'error' | 'warning'; message: string };

/** A command that was understood: `name` as it is written. */
export type Command = Said & { line: number; name: string };

/**
 * What a kickstart says, and what the release has against how it is said. `meant`: the commands and sections that misspelt ones
 * stand for.
 */
export type Kickstart = Pick<KickstartText, 'sections' | 'includes'> & {
  commands: Command[];
  remarks: Remark[];
  meant: ReadonlySet<string>;
};

export const error = (line: number, message: string): Remark => ({ line, level: 'error', message });
export const warning = (line: number, message: string): Remark => ({ line, level: 'warning', message });

/** The value that counts of an option: the last one; '' for one without. Undefined when the option is not there. */
export function valueOf({ options }: Said, name: string): string | undefined {
  const values = options.get(name);
  return values && (values.at(-1) ?? '');
}

/** Reads a kickstart by the table of a release, which has what pykickstart accepts of it. */
export function readKickstart(text: string, major: number): Kickstart {
  const table = tableOf(major);
  const known = new Set([...table.keys()].filter((name) => name.startsWith('%')));
  const { commands: lines, sections, includes } = readText(text, known);
  const remarks: Remark[] = [];
  const commands: Command[] = [];
  const meant = new Set<string>();
  const guess = (name: string, names: Iterable<string>) => {
    const found = nearest(name, names);
    if (found !== undefined) meant.add(found);
  };
  for (const line of lines) {
    const [name = ''] = line.words;
    const { said, found } = readLine(line, table, major);
    remarks.push(...found);
    if (!table.has(name)) guess(name, table.keys());
    const other = exclusion(name, commands, table);
    if (other) remarks.push(error(line.line, `${name} and ${other.name} (line ${other.line}) exclude each other`));
    commands.push({ line: line.line, name, ...said });
  }
  for (const section of sections) {
    if (known.has(section.name)) remarks.push(...readLine(section, table, major).found);
    else {
      guess(section.name, known);
      remarks.push(
        error(section.line, `RHEL ${major} has no section ${section.name}${didYouMean(section.name, known)}`),
      );
    }
  }
  return { commands, sections, includes, remarks, meant };
}

/** Reads one line, be it a command or the head of a section. */
function readLine({ line, words: [name = '', ...args], broken }: Line, table: Table, major: number) {
  const nothing: Said = { options: new Map(), words: args };
  const say = (...found: Remark[]) => ({ said: nothing, found });
  if (broken) return say(error(line, 'a quotation mark or a backslash at the end has nothing to close it'));
  const entry = table.get(name);
  if (!entry) return say(error(line, unknown(name, table, major)));
  if (entry.removed) return say(error(line, `${name} was removed: RHEL ${major} refuses it`));
  const old = entry.deprecated ? [warning(line, `${name} is deprecated in RHEL ${major}`)] : [];
  const whole = table.get(entry.same ?? name);
  // What a deprecated command says is not looked at any more.
  if (!whole?.options) return say(...old);
  const { mistake, deprecated, ...said } = readOptions(whole, args);
  return {
    said,
    found: [
      ...old,
      ...(mistake === undefined ? [] : [error(line, `${name}: ${mistake}`)]),
      ...deprecated.map((option) => warning(line, `${name}: ${option} is deprecated in RHEL ${major}`)),
    ],
  };
}

function unknown(name: string, table: Table, major: number): string {
  const others = rhelMajors.filter((release) => release !== major && tableOf(release).has(name));
  const elsewhere = others.length > 0 ? `, only RHEL ${others.join(', ')}` : didYouMean(name, table.keys());
  return `RHEL ${major} has no command ${name}${elsewhere}`;
}

/** The command so far that cannot be used together with this one. */
function exclusion(name: string, commands: readonly Command[], table: Table): Command | undefined {
  const others = table.get(canonical(name, table))?.excludes ?? [];
  const names = new Set(others.map((other) => canonical(other, table)));
  return commands.find((command) => names.has(canonical(command.name, table)));
}
