import cliTruncate from 'cli-truncate';
import stringWidth from 'string-width';

/** Makes a text one line of at most `width` columns of a terminal, with an ellipsis for what does not fit. */
export function oneLine(text: string, width: number): string {
  return cut(text.replace(/\s+/g, ' ').trim(), width);
}

/** The beginning of a line, at most `width` columns of a terminal, with an ellipsis for what does not fit. */
export function cut(line: string, width: number): string {
  const text = cliTruncate(line, Math.max(0, width));
  // It keeps a wide character of which one column has room.
  return columnsOf(text) > width ? cliTruncate(line, Math.max(0, width - 1)) : text;
}

/** The columns that a text takes on a terminal. */
export function columnsOf(text: string): number {
  return stringWidth(text);
}

/** A text with blanks up to so many columns. */
export function padColumns(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - stringWidth(text)));
}
