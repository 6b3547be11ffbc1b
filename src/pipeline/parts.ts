import type { Command, Media, Piece, StagePlan } from '../model.ts';
import type { Recipe } from '../recipe/recipe.ts';
import { canonicalRendered, type Contents, hash } from './fingerprint.ts';

type Parts = StagePlan['parts'];

/**
 * The recipe keys and files that a stage depends on, each with a hash of what counts of it. They do not decide anything:
 * they put a name to a change that the fingerprint has shown.
 */
export function stageParts(
  commands: readonly Command[],
  keys: readonly string[],
  { recipe, media, ...contents }: Contents & { recipe: Recipe; media: Media },
): Parts {
  const pieces = commands.flatMap(({ args }) => args).flatMap((arg) => arg as Piece | Piece[]);
  const files = pieces.flatMap((piece) => (typeof piece === 'object' && 'file' in piece ? [piece] : []));
  const rendered = pieces.flatMap((piece) =>
    typeof piece === 'object' && 'rendered' in piece ? [piece.rendered] : [],
  );
  const paths = new Set(files.map(({ file }) => file));
  const isos = new Set(Object.values(media).map(({ path }) => path));
  return [
    ...keys.filter((key) => key !== 'source').map((key) => ({ from: key, hash: hash(counted(key, recipe, paths)) })),
    ...files.map(({ file, sha256 }) => ({ from: isos.has(file) ? 'source' : file, hash: sha256 ?? 'unknown' })),
    ...rendered.map((name) => ({ from: name, hash: hash(canonicalRendered(name, contents)) })),
  ];
}

/** What may change the image of a key's value: not the machine it runs on, nor where files and secrets come from. */
function counted(key: string, recipe: Recipe, paths: ReadonlySet<string>): unknown {
  if (key === 'machine') {
    const { memory: _memory, vcpus: _vcpus, ...machine } = recipe.machine ?? {};
    return machine;
  }
  // Of a kickstart the text counts, and that is a part of its own.
  if (key === 'install') return recipe.install?.variables;
  const text = JSON.stringify((recipe as Partial<Record<string, unknown>>)[key], (_name, value: unknown) => {
    if (typeof value === 'string') return paths.has(value) ? '' : value;
    const isSecret = typeof value === 'object' && value !== null && ('env' in value || 'file' in value);
    return isSecret ? 'a secret' : value;
  });
  return text === undefined ? undefined : (JSON.parse(text) as unknown);
}

/** Names of the parts that differ. A file that only lies elsewhere does not. */
export function changedParts(before: Parts, now: Parts): string[] {
  const names = [...new Set([...now, ...before].map(({ from }) => from))];
  return names.filter((name) => {
    const [old, young] = [hashOf(before, name), hashOf(now, name)];
    if (old !== undefined && young !== undefined) return old !== young;
    return ![...(old === undefined ? before : now)].some(({ hash: other }) => other === (old ?? young));
  });
}

function hashOf(parts: Parts, name: string): string | undefined {
  return parts.find(({ from }) => from === name)?.hash;
}
