import { styleText } from 'node:util';
import type { Env, Published } from '../model.ts';

/** A fraction of one as a whole percentage, rounded down so that 100 % means done. */
export function formatPercent(fraction: number): string {
  return `${Math.floor(Math.min(1, Math.max(0, fraction)) * 100)} %`;
}

/** Makes a text one line of at most `width` characters, with an ellipsis for what does not fit. */
export function oneLine(text: string, width: number): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length <= width ? line : `${line.slice(0, Math.max(0, width - 1))}…`;
}

/** What a piece of text is, for colouring. */
type Role = 'title' | 'good' | 'bad' | 'warn' | 'dim' | 'name';

/** What there is to say of a publication besides where it is, with `open` before it and `close` after it. */
export function publishedNote(
  { unchanged, already }: Pick<Published, 'unchanged' | 'already'>,
  [open, close]: readonly [string, string] = [' (', ')'],
): string {
  if (already !== undefined) return `${open}published already by ${already}${close}`;
  return unchanged ? `${open}unchanged${close}` : '';
}

/** Marks a text by its role: with colour on a terminal, unchanged elsewhere. */
export type Paint = (role: Role, text: string) => string;

const styles = { title: 'bold', good: 'green', bad: 'red', warn: 'yellow', dim: 'dim', name: 'cyan' } as const;

/** Leaves every text as it is. */
export const noPaint: Paint = (_role, text) => text;

/** The paint for a stream: colours only on a terminal, and never under NO_COLOR (no-color.org) or TERM=dumb. */
export function paintFor(stream: { isTTY?: boolean }, env: Env): Paint {
  const colour = stream.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
  return colour ? (role, text) => styleText(styles[role], text, { validateStream: false }) : noPaint;
}
