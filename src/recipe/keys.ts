import { didYouMean, inWords } from '../text.ts';
import { guessedWords, insteadOf, isVague, meantBy, plain } from './guesses.ts';
import type { Instead } from './instead.ts';
import { keysAt, type Place, placeOf, places, type Schema, written } from './schema.ts';

/** What is said of a key that there is not, and the place of the one that is meant. */
export type KeyRemedy = { words: string; meant?: Place };

/** The forms that a document may have, and what a person calls it. */
type Document = { forms: readonly Schema[]; noun: string };

/** A map with more keys is not listed in an error. */
export const fewKeys = 8;

/**
 * What to write instead of a key that the map at `path` cannot have: the same key in another place, what others call by that name,
 * or the nearest one. The words follow the key in a sentence.
 */
export function keyRemedy(key: string, path: readonly PropertyKey[], document: Document, isMap = false): KeyRemedy {
  const { forms, noun } = document;
  const known = keysAt(forms, path);
  const here = placeOf(path);
  const spelt = known.find((each) => plain(each) === plain(key));
  if (spelt !== undefined) return { words: `, did you mean "${spelt}"?`, meant: [...here, spelt] };
  const all = places(forms);
  const byText = new Map(all.map((place) => [textOf(place), place]));
  // What an entry of a list calls its own is no medium of the image.
  const inList = here.includes('[]');
  const existing = (word: string) =>
    meantBy(word, noun)
      .filter((place) => !inList || !place.startsWith('source.'))
      .map((place) => byText.get(place))
      .filter((place) => place !== undefined);
  const [inContext, meant] = [here.length > 0 ? existing(`${textOf(here)}${key}`) : [], existing(key)];
  const isPlace = (place: string) => byText.has(place);
  const remedyOf = ({ remedy, stands = '' }: Instead): KeyRemedy => {
    const place = byText.get(stands);
    return { words: `: ${remedy}`, ...(place && { meant: place }) };
  };
  const own = insteadOf(key, noun, textOf(here), isPlace, isMap, true);
  if (own) return remedyOf(own);
  const beside = meant.find((place) => textOf(place.slice(0, -1)) === textOf(here));
  if (beside) return { words: `: write ${alone(forms, beside)}`, meant: beside };
  const row = insteadOf(key, noun, textOf(here), isPlace, isMap);
  if (row) return remedyOf(row);
  if (noun === 'recipe' && key.startsWith('x-')) return { words: ': keys of your own stand at the top level' };
  const [first] = [...inContext, ...(isVague(key) ? [] : meant)];
  return (
    (first && { words: elsewhere(key, first, here, document), meant: first }) ??
    (isVague(key) ? undefined : sameElsewhere(key, all, here, document)) ??
    nearestHere(key, known, here) ?? { words: listed(known) || `: docs/${noun}.md lists the keys that there are` }
  );
}

/** The words for keys that a recipe of a form cannot have at its top, each with those that it is said of. */
export function topGuesses(form: Schema): Map<string, string[]> {
  const known = new Set(keysAt([form], []).map(plain));
  const document = { forms: [form], noun: 'recipe' };
  const own = places([form]).map((place) => place.at(-1) ?? '');
  const found = new Map<string, string[]>();
  for (const word of new Set([...own, ...guessedWords()])) {
    if (known.has(plain(word)) || !/^[A-Za-z][A-Za-z0-9]*$/.test(word)) continue;
    const { words } = keyRemedy(word, [], document);
    if (words.startsWith(': ') && !words.startsWith(': docs/')) found.set(words, [...(found.get(words) ?? []), word]);
  }
  return found;
}

/** What to write in another map. */
function elsewhere(key: string, place: Place, here: Place, { forms, noun }: Document): string {
  if (place.length === 1 && plain(place[0] ?? '') === plain(key)) return `, it belongs at the top level of the ${noun}`;
  // Below the map itself the way from there is enough; elsewhere it is said where that is.
  if (here.length > 0 && textOf(place).startsWith(`${textOf(here)}.`))
    return `: write ${written(forms, place.slice(here.length), here)}`;
  return `: write ${written(forms, place)}${here.length > 0 ? ` at the top level of the ${noun}` : ''}`;
}

/** A key in its own map: its name, and of a map what it must have. */
function alone(forms: readonly Schema[], place: Place): string {
  const text = written(forms, place.slice(-1), place.slice(0, -1));
  return text.endsWith('}') ? text : (place.at(-1) ?? '');
}

function sameElsewhere(key: string, all: readonly Place[], here: Place, document: Document): KeyRemedy | undefined {
  const same = all.filter((place) => plain(place.at(-1) ?? '') === plain(key));
  const [first] = same;
  if (!first) return undefined;
  if (first.length === 1) return { words: elsewhere(key, first, here, document), meant: first };
  // The shallow ones come first.
  const near = same.filter(({ length }) => length === first.length);
  if (near.length > 3 || first.includes('[]')) return undefined;
  return { words: `: write ${near.map((place) => written(document.forms, place)).join(' or ')}`, meant: first };
}

function nearestHere(key: string, known: readonly string[], here: Place): KeyRemedy | undefined {
  const words = didYouMean(key, known);
  const [, name] = /"(.*)"/.exec(words) ?? [];
  return name === undefined ? undefined : { words, meant: [...here, name] };
}

/** The key that a word means which stands for a whole map, or for a list of such: `upload: openstack`. */
export function entryMeant(word: string, path: readonly PropertyKey[], { forms, noun }: Document): string | undefined {
  // In a list the key of the entry is all there is to write.
  const from = typeof path.at(-1) === 'number' ? path.length : path.length - 1;
  for (const map of [path, [...path, 0]]) {
    const here = placeOf(map);
    const known = keysAt(forms, map);
    const beside = meantBy(word, noun).flatMap((place) =>
      place.startsWith(`${textOf(here)}.`) ? place.slice(textOf(here).length + 1) : [],
    );
    const key = known.find((each) => plain(each) === plain(word) || beside.includes(each));
    if (key !== undefined) return written(forms, [...here, key].slice(from), here.slice(0, from));
  }
  return undefined;
}

function listed(known: readonly string[]): string {
  return known.length === 0 || known.length > fewKeys ? '' : `, expected ${inWords(known)}`;
}

/** A place as guesses name it. */
export function textOf(place: Place): string {
  return place.join('.').replaceAll('.[]', '[]');
}
