import type { Schema } from './schema.ts';

/** What helps where a list, or a map with a name, stands for something else. */
export function shapeRemedy(
  wrong: unknown,
  path: readonly PropertyKey[],
  schemas: readonly Schema[],
  problemsWith: (candidate: unknown) => readonly unknown[],
): string | undefined {
  const inList = typeof path.at(-1) === 'number';
  if (Array.isArray(wrong)) {
    const maps = wrong.filter((each) => typeof each === 'object' && each !== null && !Array.isArray(each));
    if (maps.length === wrong.length && wrong.length > 1 && problemsWith(Object.assign({}, ...maps)).length === 0)
      return 'take away the "- " before its keys';
    if (
      inList &&
      schemas.some(({ properties }) => properties?.['run']) &&
      wrong.every((each) => typeof each === 'string')
    )
      return 'write run: COMMAND, with its words as one text';
    if (inList) return 'put its entries into the list itself';
    const isInEntry = path.some((part) => typeof part === 'number');
    return isInEntry && wrong.length > 1 && wrong.every((each) => problemsWith(each).length === 0)
      ? 'write an entry for each'
      : undefined;
  }
  if (typeof wrong === 'object' && wrong !== null && schemas.some(({ type }) => type === 'array'))
    return Object.values(wrong).every((each) => each === null) && problemsWith(Object.keys(wrong)).length === 0
      ? 'put "- " before each entry, and take away the colon after it'
      : namedEntries(wrong, schemas);
  if (typeof wrong === 'object' && wrong !== null)
    return 'name' in wrong && schemas.every(({ type }) => type === 'string') && problemsWith(wrong.name).length === 0
      ? 'write its name alone'
      : undefined;
  const words = typeof wrong === 'string' ? wrong.split(/\s+/).filter((word) => word !== '') : [];
  return inList && words.length > 1 && words.every((word) => problemsWith(word).length === 0)
    ? 'separate the entries with commas, or put each on a line of its own'
    : undefined;
}

/** A map whose keys are the names of what should be a list. */
function namedEntries(wrong: object, schemas: readonly Schema[]): string | undefined {
  const keys = schemas.flatMap(({ items }) => Object.keys(items?.properties ?? {}));
  const isMap = (each: unknown) => typeof each === 'object' && each !== null && !Array.isArray(each);
  const name = ['id', 'name'].find((key) => keys.includes(key));
  if (name === undefined || !Object.values(wrong).every(isMap)) return undefined;
  return `write "- ${name}: NAME" in place of each name, with its keys below it`;
}
