import type { LineCounter } from 'yaml';

/** A mistake in a recipe. `offset` is in characters from its beginning. */
export type Problem = { offset: number; path: readonly PropertyKey[]; message: string };

/** More problems than a person reads: one unclosed bracket can make thousands. */
const mostProblems = 20;

/** One line for each problem, in the order of the file: `recipes/x.yaml:4:3 disk: unrecognised key "sizee", did you mean "size"?`. */
export function formatProblems(file: string, problems: readonly Problem[], lines: LineCounter): string[] {
  const rest = problems.length - mostProblems;
  const told = problems
    .toSorted((a, b) => a.offset - b.offset)
    .slice(0, mostProblems)
    .map(({ offset, path, message }) => {
      const { line, col } = lines.linePos(offset);
      const where = path.map(String).join('.');
      return `${file}:${Math.max(line, 1)}:${Math.max(col, 1)} ${where === '' ? '' : `${where}: `}${message}`;
    });
  return rest > 0 ? [...told, `${file}: and ${rest} more`] : told;
}
