/** A line of a kickstart as a shell would split it; lines count from 1. `words` begins with the command or section. */
export type Line = { line: number; words: readonly string[]; broken: boolean };

/** A section: its first line, its body and whether `%end` ends it. */
type Section = Line & { name: string; body: readonly { line: number; text: string }[]; ended: boolean };

/** A kickstart as it is written. `includes`: other files take part in it, and what they hold is not known. */
export type KickstartText = { commands: Line[]; sections: Section[]; includes: boolean };

type Open = Section & { body: { line: number; text: string }[] };

/** Splits a kickstart into commands and sections. A section goes on until `%end` or the first line of a known other one. */
export function readText(text: string, known: ReadonlySet<string>): KickstartText {
  const found: KickstartText = { commands: [], sections: [], includes: false };
  let open: Open | undefined;
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = index + 1;
    const [first = ''] = raw.trim().split(/\s+/);
    if (open && first === '%end') {
      open.ended = true;
      open = undefined;
    } else if (first === '%include' || first === '%ksappend') {
      found.includes = true;
    } else if (/^%[a-z]/.test(first) && first !== '%end' && (!open || known.has(first))) {
      open = { line, ...splitWords(raw), name: first, body: [], ended: false };
      found.sections.push(open);
    } else if (open) {
      open.body.push({ line, text: raw });
    } else {
      const split = splitWords(raw);
      if (split.words.length > 0) found.commands.push({ line, ...split });
    }
  }
  return found;
}

/** A quoted or plain piece of a word, the white space between words, or the comment that ends a line. */
const piece = /"((?:\\.|[^"\\])*)"|'([^']*)'|\\(.)|([^\s"'\\#]+)|(\s+)|(#.*)|(["'\\])/gs;

/** The words of a line as Python's shlex splits them, with comments. A quote without its end, or a last backslash, breaks it. */
function splitWords(line: string): { words: string[]; broken: boolean } {
  const words: string[] = [];
  let word: string | undefined;
  for (const [, double, single, escaped, plain, space, comment, loose] of line.matchAll(piece)) {
    if (loose !== undefined) return { words: word === undefined ? words : [...words, word], broken: true };
    // Like shlex, and unlike a shell, a comment begins within a word as well.
    if (comment !== undefined) break;
    if (space === undefined) {
      word = (word ?? '') + (double?.replaceAll(/\\(["\\])/g, '$1') ?? single ?? escaped ?? plain ?? '');
    } else if (word !== undefined) {
      words.push(word);
      word = undefined;
    }
  }
  return { words: word === undefined ? words : [...words, word], broken: false };
}
