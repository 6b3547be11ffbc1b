import { VmkilnError } from '../errors.ts';
import { sha256Of } from '../families/sha256.ts';
import { hashFile } from '../media/hash.ts';
import type { Command, Media, Piece } from '../model.ts';

/**
 * Makes sure that the files which commands have read still are what the plan took them for. One that was edited while
 * the build ran would otherwise be in a layer that is named after its old content. The digest of practice media is not
 * that of a file: in a rehearsal they are left out.
 *
 * @throws VmkilnError INPUT_CHANGED.
 */
export async function checkUnchanged(
  commands: readonly Command[],
  { media, rehearsal }: { media: Media; rehearsal: boolean },
  options: { mediaDir: string; signal: AbortSignal },
): Promise<void> {
  const isos = new Set(Object.values(media).map(({ path }) => path));
  const pieces = commands.flatMap(({ args }) => args).flatMap((arg) => arg as Piece | Piece[]);
  for (const piece of pieces) {
    if (typeof piece === 'string' || !('file' in piece) || (rehearsal && isos.has(piece.file))) continue;
    const { file, sha256 } = piece;
    // A medium is large and its hash is kept; the files of a recipe are small.
    const digest = isos.has(file)
      ? async () => (await hashFile(file, { ...options, progress: () => undefined })).sha256
      : async () => sha256Of(file);
    const now = await digest().catch((cause: NodeJS.ErrnoException) => {
      if (cause.code !== 'ENOENT') throw cause;
      return undefined;
    });
    if (now === sha256) continue;
    throw new VmkilnError('INPUT_CHANGED', `${file} was ${now ? 'changed' : 'removed'} while the build read it`, {
      hint: 'run the build again: it starts from the last checkpoint',
    });
  }
}
