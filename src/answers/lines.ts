import { readSource, renderText, type Kind, type View } from './templates.ts';

/** Characters for private use, which no answer file has. */
const mark = (line: number) => `\ue000${line}\ue001`;
const marks = /\ue000(\d+)\ue001/g;

/** A line of a block's tag alone, of which nothing is left in what is rendered, if nothing else is on it. */
const isTag = /^\s*\{\{[~{]*\s*([#/^!]|else\b)[^{}]*\}\}\s*$/;

/**
 * The line of a template, from 1, that each line of the text which was rendered of it comes from: the template is rendered again
 * with the number of each line in it. Undefined where that does not give the same text.
 */
export function templateLines(file: string, kind: Kind, view: View, text: string): readonly number[] | undefined {
  const marked = readSource(file)
    .split('\n')
    .map((line, index) => (isTag.test(line) ? line : mark(index + 1) + line));
  let lines: string[];
  try {
    lines = renderText(marked.join('\n'), file, kind, view).text.split('\n');
  } catch {
    // A tag that goes on over several lines.
    return undefined;
  }
  if (lines.map((line) => line.replaceAll(marks, '')).join('\n') !== text) return undefined;
  let last = 1;
  return lines.map((line) => {
    const [found] = line.matchAll(marks);
    last = found ? Number(found[1]) : last;
    return last;
  });
}
