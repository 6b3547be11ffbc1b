import { createHash } from 'node:crypto';
import { holeText } from '../answers/holes.ts';
import type { Arg, Command, Piece, RenderedFile, StageName } from '../model.ts';

/** Changed when the meaning of a fingerprint changes, so that old checkpoints are not mistaken for new ones. */
const generation = 'vmkiln 1';

/** What a fingerprint needs besides the commands: the rendered files and the keyed hashes of secrets in the guest. */
export type Contents = { rendered: readonly RenderedFile[]; macs: Readonly<Record<string, string>> };

/**
 * The fingerprint of a stage (SHA-256, lower-case hex): the hash of the previous stage's fingerprint and of everything that
 * decides its result: every command it runs, and what it says that `counts` besides them. Time-outs and the environment do
 * not count, nor does what is marked as the host's.
 *
 * @param previous the fingerprint of the stage before, `first` for none; undefined while that is unknown.
 * @returns undefined while a file it reads has an unknown content.
 */
export function fingerprint(
  previous: string | undefined,
  stage: StageName,
  { commands, counts }: { commands: readonly Command[]; counts?: unknown },
  contents: Contents,
): string | undefined {
  if (previous === undefined) return undefined;
  const words = commands.map(({ program, args }) => [
    program,
    ...args.filter(isCounted).map((arg) => canonicalArg(arg, contents)),
  ]);
  const unknown = words.some((word) => JSON.stringify(word).includes('"file":null'));
  return unknown ? undefined : hash([generation, previous, stage, words, ...(counts === undefined ? [] : [counts])]);
}

/** What stands for the fingerprint before the first stage. */
export const first = '';

/** A stable hash (SHA-256, lower-case hex) of plain data; the order of an object's keys does not matter. */
export function hash(value: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(value, sortKeys) ?? 'undefined')
    .digest('hex');
}

function sortKeys(_key: string, value: unknown): unknown {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function isCounted(arg: Arg): boolean {
  return !(typeof arg === 'object' && 'sure' in arg);
}

function canonicalArg(arg: Arg, contents: Contents): unknown {
  return Array.isArray(arg)
    ? arg.filter(isCounted).map((piece: Piece) => canonicalPiece(piece, contents))
    : canonicalPiece(arg as Piece, contents);
}

// Objects and not lists: a word of several texts is a list, and must not pass for one of these.
function canonicalPiece(piece: Piece, contents: Contents): unknown {
  if (typeof piece === 'string') return piece;
  if ('file' in piece) return { file: piece.sha256 ?? null };
  if ('rendered' in piece) return { rendered: piece.rendered, ...canonicalRendered(piece.rendered, contents) };
  if ('work' in piece) return { work: piece.work };
  if ('layer' in piece) return { layer: piece.layer };
  if ('build' in piece) return { build: piece.build };
  return 'host' in piece ? { host: piece.wanted ?? '' } : undefined;
}

/**
 * What counts of a rendered file: its text and its secrets. A secret that stays in the guest counts by its keyed hash,
 * one that is used only on the way by its place alone; neither by the name of the variable or file that it comes from.
 */
export function canonicalRendered(name: string, { rendered, macs }: Contents): { text: string; secrets: string[] } {
  const { text, holes } = rendered.find((file) => file.name === name) ?? { text: '', holes: [] };
  const placeless = holes.reduce(
    (rest, hole, index) => rest.replaceAll(holeText(hole.name), holeText(`#${index}`)),
    text,
  );
  return {
    text: placeless,
    secrets: holes.map(({ name: from, encoding, inGuest }) => `${encoding} ${inGuest ? (macs[from] ?? '') : ''}`),
  };
}
