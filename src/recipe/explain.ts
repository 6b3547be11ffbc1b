import type { z } from 'zod';
import { inWords } from '../text.ts';
import { show } from './values.ts';

/** What is said of a key that must be there. */
export const missing = 'is missing';

/** Words for problems that the schema itself has none for. Values of secrets never get here: they have words of their own. */
export function explain(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code === 'invalid_type') {
    return issue.input === undefined
      ? missing
      : `expected ${kinds[issue.expected] ?? issue.expected}, got ${show(issue.input)}`;
  }
  if (issue.code === 'invalid_value') {
    if (issue.input === undefined) return missing;
    return `expected ${inWords(issue.values.map(String))}, got ${show(issue.input)}`;
  }
  if (issue.code === 'invalid_union' && 'options' in issue && typeof issue['discriminator'] === 'string') {
    const given = (issue.input as Record<string, unknown>)[issue['discriminator']];
    return given === undefined
      ? missing
      : `expected ${inWords([issue['options']].flat().map(String))}, got ${show(given)}`;
  }
  if (issue.code === 'too_small' && isNumber(issue.origin))
    return `expected at least ${issue.minimum}, got ${show(issue.input)}`;
  if (issue.code === 'too_big' && isNumber(issue.origin))
    return `expected at most ${issue.maximum}, got ${show(issue.input)}`;
  return undefined;
}

function isNumber(origin: string): boolean {
  return origin === 'int' || origin === 'number';
}

/** What a map is called. */
export const mapWords = 'a map of keys';

const kinds: Record<string, string> = {
  object: mapWords,
  array: 'a list',
  record: 'a map of names to texts',
  string: 'text (in quotes if it looks like a number)',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
};
