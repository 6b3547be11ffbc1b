import { styleText } from 'node:util';
import type { Env, Published } from '../model.ts';

/** A fraction of one as a whole percentage, rounded down so that 100 % means done. */
export function formatPercent(fraction: number): string {
  return `${Math.floor(Math.min(1, Math.max(0, fraction)) * 100)} %`;
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

/**
 * The paint for a stream: colours on a terminal only, but under neither NO_COLOR (no-color.org) nor TERM=dumb. FORCE_COLOR
 * (force-color.org) decides before all of these, and says no with 0, as it does to Node.js.
 */
export function paintFor(stream: { isTTY?: boolean }, env: Env): Paint {
  const forced = env['FORCE_COLOR'];
  const colour = forced
    ? !/^(0|false)$/.test(forced)
    : stream.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
  return colour ? (role, text) => styleText(styles[role], text, { validateStream: false }) : noPaint;
}
