import { columnsOf } from './columns.ts';
import type { Size } from './frame.ts';

/** The lines at the bottom of a terminal that are drawn anew in place. Each must be narrower than the terminal. */
export type Region = {
  /** Shows these lines: of those that are shown already only what has changed is written. */
  draw(lines: readonly string[], size: Size): void;
  /** Writes text above the lines, where it stays. */
  above(text: string, size: Size): void;
  /** Begins anew below whatever else has been written meanwhile. */
  forget(): void;
};

// Control sequences: ECMA-48, as in console_codes(4).
const up = (rows: number) => (rows > 0 ? `\u001B[${rows}A` : '');
const down = (rows: number) => (rows > 0 ? `\u001B[${rows}B` : '');
const right = (columns: number) => (columns > 0 ? `\u001B[${columns}C` : '');
const eraseRest = '\u001B[K';
// Line by line: to clear all from the top of the screen puts it into the scrollback of tmux.
const eraseAbove = (rows: number) => `${'\u001B[A\u001B[2K'.repeat(rows)}\r`;

/**
 * Terminals that break lines anew when they become narrower (tmux, and those by VTE) then show a line in several rows: all of
 * these are erased. Where a terminal cuts the lines instead, as xterm does, as many rows above them go too.
 */
export function openRegion(write: (text: string) => void): Region {
  let shown: readonly string[] = [];
  let drawnFor: Size | undefined;

  const erase = ({ columns }: Size) => {
    const rows = shown.reduce((sum, line) => sum + Math.max(1, Math.ceil(columnsOf(line) / columns)), 0);
    return shown.length === 0 ? '' : eraseAbove(rows);
  };
  const put = (text: string, lines: readonly string[], size: Size) => {
    if (text !== '') write(text);
    shown = lines;
    drawnFor = size;
  };
  return {
    draw: (lines, size) => {
      const same = size.columns === drawnFor?.columns && size.rows === drawnFor.rows;
      const patch = same && lines.length === shown.length;
      put(patch ? changes(shown, lines) : erase(size) + joined(lines), lines, size);
    },
    above: (text, size) => put(erase(size) + text + joined(shown), shown, size),
    forget: () => (shown = []),
  };
}

function joined(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}

/** What turns the lines that are shown into these, as many; the cursor begins and ends below them. */
function changes(shown: readonly string[], lines: readonly string[]): string {
  return lines
    .map((line, index) => {
      const [before = '', back] = [shown[index], lines.length - index];
      return line === before ? '' : `${up(back)}${change(before, line)}${down(back)}\r`;
    })
    .join('');
}

/** What turns a line into another: mostly it is a clock in its middle that goes on. */
function change(before: string, line: string): string {
  const most = Math.min(before.length, line.length);
  let start = 0;
  while (start < most && before[start] === line[start]) start += 1;
  let rest = 0;
  while (rest < most - start && before.at(-1 - rest) === line.at(-1 - rest)) rest += 1;
  const [head, old, now] = [
    line.slice(0, start),
    before.slice(start, before.length - rest),
    line.slice(start, line.length - rest),
  ];
  const isPlain = old.length === now.length && /^[ -~]*$/.test(old + now);
  // Each style ends with a sequence of its own.
  const isStyled = head.split('\u001B').length % 2 === 0;
  return isPlain && !isStyled ? `\r${right(columnsOf(head))}${now}` : `\r${line}${eraseRest}`;
}
