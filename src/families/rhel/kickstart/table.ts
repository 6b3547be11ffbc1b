import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * What a release lets a command or a section (`%post`) say: a line of its `commands` file, which the practice installer
 * reads too, and whose form is described in `src/rehearsal/rhel/installer/syntax.py`.
 */
export type Entry = {
  name: string;
  words?: readonly [least: number, most: number | null];
  options?: Readonly<Record<string, string>>;
  required?: readonly string[];
  deprecatedOptions?: readonly string[];
  excludes?: readonly string[];
  match?: readonly (readonly [what: string, pattern: string])[];
  rules?: readonly (readonly [given: readonly string[], needed: readonly string[]])[];
  same?: string;
  raw?: boolean;
  deprecated?: boolean;
  removed?: boolean;
};

export type Table = ReadonlyMap<string, Entry>;

const releases = join(import.meta.dirname, '../../../../src/rehearsal/rhel');
const tables = new Map<number, Table>();

/** The table of a major release. */
export function tableOf(major: number): Table {
  const known = tables.get(major);
  if (known) return known;
  const lines = readFileSync(join(releases, String(major), 'commands'), 'utf8')
    .trim()
    .split('\n');
  const table = new Map(lines.map((line) => JSON.parse(line) as Entry).map((entry) => [entry.name, entry]));
  tables.set(major, table);
  return table;
}

/** The name that stands for a command where others exclude it: `part` for `partition`. */
export function canonical(name: string, table: Table): string {
  return table.get(name)?.same ?? name;
}
