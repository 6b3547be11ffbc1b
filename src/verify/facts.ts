/** What a guest said of itself: the lines of each section, by its name. */
export type Facts = ReadonlyMap<string, readonly string[]>;

/** Reads sections that begin with a line `@@ NAME`, to their last, `end`: undefined before it is there. What comes before them is passed over. */
export function parseFacts(printed: string): Facts | undefined {
  const facts = new Map<string, string[]>();
  let section: string[] = [];
  for (const line of printed.split(/\r?\n/)) {
    const name = /^@@ (\S+)$/.exec(line)?.[1];
    if (name !== undefined) facts.set(name, (section = []));
    else if (line.trim() !== '') section.push(line.trimEnd());
  }
  return facts.has('end') ? facts : undefined;
}

/** The lines of a section; none of one that is missing. */
export function lines(facts: Facts, section: string): readonly string[] {
  return facts.get(section) ?? [];
}

/** The only line of a section, or the first; empty without one. */
export function word(facts: Facts, section: string): string {
  return lines(facts, section)[0]?.trim() ?? '';
}
