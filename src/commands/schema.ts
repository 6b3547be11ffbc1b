import type { z } from 'zod';
import { recipeSchema } from '../families/index.ts';
import { familiesInWords } from '../recipe/family.ts';
import { topGuesses } from '../recipe/keys.ts';
import { constOf, type Schema as Form, schemaOf } from '../recipe/schema.ts';

type Schema = { [key: string]: unknown };

const home = 'https://raw.githubusercontent.com/vmkiln/vmkiln/main';

/** Where the schema of recipes is found, on whatever machine a recipe is opened. */
export const recipeSchemaUrl = `${home}/recipe.schema.json`;

/** A value may also be a variable, which editors know nothing of. */
const variable = String.raw`\$\{.+\}`;

/**
 * The JSON Schema (draft-07) of a recipe as it is written, for editors: the family chooses the form, so that they tell of one form
 * what is wrong and not of all. Words of other tools have their remedy. `patternErrorMessage` and `errorMessage` are keywords of
 * yaml-language-server and vscode-json-languageservice.
 */
export function schema(): Schema {
  const forms = schemaOf(recipeSchema).oneOf ?? [];
  const families = forms.map((form) => constOf(form, 'family'));
  const description = forms[0]?.properties?.['family']?.description;
  return {
    ...about('recipe', recipeSchemaUrl),
    type: 'object',
    properties: {
      family: {
        description,
        ...withVariable({
          type: 'string',
          enum: families,
          errorMessage: `expected one of ${familiesInWords({ oneOf: forms })}`,
        }),
      },
    },
    required: ['family'],
    allOf: forms.map((form, index) => ({
      if: { properties: { family: { const: families[index] } }, required: ['family'] },
      // oxlint-disable-next-line unicorn/no-thenable
      then: { ...(forEditors(form) as Schema), patternProperties: { ...ownKeys, ...guessedKeys(form) } },
    })),
  };
}

/** The JSON Schema (draft-07) of a factory, likewise. */
export function factorySchema(form: z.ZodType): Schema {
  return {
    ...about('factory', `${home}/factory.schema.json`),
    ...(forEditors(schemaOf(form)) as Schema),
    patternProperties: ownKeys,
  };
}

function about(noun: string, id: string): Schema {
  return { $schema: 'http://json-schema.org/draft-07/schema#', $id: id, title: `vmkiln ${noun}` };
}

/** What a person keeps for anchors. */
const ownKeys = { '^x-': {} };

/** Keys that there are not, with what to write instead: an editor that knows no errorMessage shows it as the one value. */
function guessedKeys(form: Form): Schema {
  return Object.fromEntries(
    [...topGuesses(form)].map(([words, keys]) => {
      const remedy = words.slice(2);
      return [`^(${keys.map(spellings).join('|')})$`, { enum: [remedy], errorMessage: remedy }];
    }),
  );
}

/** A pattern for a word as people write it: isoUrl, iso_url, iso-url. */
function spellings(word: string): string {
  return word.replace(
    /[A-Z]+/g,
    (capitals) => `[-_]?[${capitals[0]}${capitals[0]?.toLowerCase()}]${capitals.slice(1).toLowerCase()}`,
  );
}

function forEditors(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(forEditors);
  if (typeof node !== 'object' || node === null) return node;
  const { $schema: _, description, default: preset, propertyNames, ...rest } = node as Schema;
  const shown = { ...(description !== undefined && { description }), ...(preset !== undefined && { default: preset }) };
  const restricted =
    'pattern' in rest || 'enum' in rest || 'const' in rest || rest['type'] === 'integer' || rest['type'] === 'boolean';
  if (typeof rest['type'] === 'string' && restricted) return { ...shown, ...withVariable(rest) };
  const inner = Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, forEditors(value)]));
  return { ...shown, ...inner, ...(propertyNames !== undefined && { propertyNames }) };
}

function withVariable({ pattern, patternErrorMessage, ...rest }: Schema): Schema {
  if (typeof pattern !== 'string') return { anyOf: [rest, { type: 'string', pattern: variable }] };
  const words = patternErrorMessage === undefined ? {} : { patternErrorMessage, errorMessage: patternErrorMessage };
  return { ...rest, pattern: `${pattern}|${variable}`, ...words };
}
