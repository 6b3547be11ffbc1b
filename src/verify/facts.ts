/** What templates/linux/probe.sh printed of a booted clone: the lines of each section, by its name. */
export type Facts = ReadonlyMap<string, readonly string[]>;

/**
 * Reads what probe.sh printed. What a service of the guest may have written before it is passed over.
 *
 * @throws Error when the end is missing: the clone went away meanwhile.
 */
export function parseFacts(printed: string): Facts {
  const facts = new Map<string, string[]>();
  let section: string[] = [];
  for (const line of printed.split('\n')) {
    const name = /^@@ (\S+)$/.exec(line)?.[1];
    if (name !== undefined) facts.set(name, (section = []));
    else if (line.trim() !== '') section.push(line.trimEnd());
  }
  if (!facts.has('end')) throw new Error('the clone went away while it was asked');
  return facts;
}

/** The lines of a section; none of one that is missing. */
export function lines(facts: Facts, section: string): readonly string[] {
  return facts.get(section) ?? [];
}

/** The only line of a section, or the first; empty without one. */
export function word(facts: Facts, section: string): string {
  return lines(facts, section)[0]?.trim() ?? '';
}
