/** What a guest said of itself: the lines of each section, by its name. */
export type Facts = ReadonlyMap<string, readonly string[]>;

/**
 * Reads sections that begin with a line of `mark`, a space and a name, to their last, `end`: undefined before it is there. What comes
 * before them is passed over. Where a section holds what somebody else wrote, the mark has to be one that nobody could know.
 */
export function parseFacts(printed: string, mark = '@@'): Facts | undefined {
  const facts = new Map<string, string[]>();
  let section: string[] = [];
  for (const line of printed.split(/\r?\n/)) {
    const at = line.lastIndexOf(`${mark} `);
    const name = at < 0 ? '' : line.slice(at + mark.length + 1);
    const isMark = /^\S+$/.test(name);
    const text = isMark ? line.slice(0, at) : line;
    if (text.trim() !== '') section.push(text.trimEnd());
    if (isMark) facts.set(name, (section = []));
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
