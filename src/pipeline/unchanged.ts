import { VmkilnError } from '../errors.ts';
import { hashFile } from '../media/hash.ts';
import type { Command, Media, Piece } from '../model.ts';
import { digestFile } from '../store/digest.ts';

type Kept = { media: Media; rehearsal: boolean };
type Hashing = { mediaDir: string; signal: AbortSignal };

/**
 * Makes sure that the files which commands have read still are what the plan took them for. One that was edited while
 * the build ran would otherwise be in a layer that is named after its old content.
 *
 * @throws VmkilnError INPUT_CHANGED.
 */
export async function checkUnchanged(commands: readonly Command[], plan: Kept, options: Hashing): Promise<void> {
  const [changed] = await changedFiles(commands, plan, options);
  if (changed === undefined) return;
  throw new VmkilnError('INPUT_CHANGED', `${changed.file} was ${changed.how} while the build read it`, {
    hint: 'run the build again: it starts from the last checkpoint',
  });
}

/**
 * The digests of the files of the user's that commands will read, by their paths: what a plan goes by.
 *
 * @throws VmkilnError INPUT_CHANGED when one is there no more, INTERRUPTED.
 */
export async function digestFiles(paths: readonly string[], signal: AbortSignal): Promise<Map<string, string>> {
  const digests = new Map<string, string>();
  for (const path of paths) {
    const digest = await digestFile(path, signal).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code !== 'ENOENT') throw cause;
      throw new VmkilnError('INPUT_CHANGED', `${path} was removed after the recipe was read`, {
        hint: 'put it back, or take it out of the recipe; then run it again',
        cause,
      });
    });
    digests.set(path, digest);
  }
  return digests;
}

/**
 * The files that commands read and that are not what the plan took them for. The digest of practice media is not that of
 * a file: in a rehearsal they are left out. A file whose content the plan does not know has changed.
 */
export async function changedFiles(
  commands: readonly Command[],
  { media, rehearsal }: Kept,
  options: Hashing,
): Promise<{ file: string; how: 'changed' | 'removed' }[]> {
  const isos = new Set(Object.values(media).map(({ path }) => path));
  const pieces = commands.flatMap(({ args }) => args).flatMap((arg) => arg as Piece | Piece[]);
  const wanted = new Map(
    pieces.flatMap((piece) => (typeof piece === 'object' && 'file' in piece ? [[piece.file, piece.sha256]] : [])),
  );
  const found: { file: string; how: 'changed' | 'removed' }[] = [];
  for (const [file, sha256] of wanted) {
    if (rehearsal && isos.has(file)) continue;
    // A medium is large and its hash is kept; the files of a recipe are small.
    const digest = isos.has(file)
      ? async () => (await hashFile(file, { ...options, progress: () => undefined })).sha256
      : () => digestFile(file, options.signal);
    const now = await digest().catch((cause: NodeJS.ErrnoException) => {
      if (cause.code !== 'ENOENT') throw cause;
      return undefined;
    });
    if (now === undefined || now !== sha256) found.push({ file, how: now === undefined ? 'removed' : 'changed' });
  }
  return found;
}
