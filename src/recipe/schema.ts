import { z } from 'zod';

/** A JSON Schema, as far as errors and editors look into it. */
export type Schema = {
  type?: string;
  description?: string;
  default?: unknown;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
  enum?: unknown[];
  pattern?: string;
  /** What editors say of a text without its form. */
  patternErrorMessage?: string;
  const?: unknown;
  additionalProperties?: boolean | Schema;
};

/** Where a key may stand: the keys above it, and `[]` for any entry of a list. */
export type Place = readonly string[];

/** The JSON Schema of a document as it is written. */
export function schemaOf(form: z.ZodType): Schema {
  return z.toJSONSchema(form, { io: 'input', target: 'draft-07' }) as Schema;
}

/** The forms that a document of that family may have; all there are when it is unknown. */
export function formsOf(root: Schema, family: unknown): Schema[] {
  const forms = root.oneOf ?? [root];
  const own = forms.filter((form) => constOf(form, 'family') === family);
  return own.length > 0 ? own : forms;
}

/** The value that a form demands of a key. */
export function constOf({ properties }: Schema, key: string): unknown {
  return properties?.[key]?.const;
}

/** What a value at a path may be, in each of the forms it may have. */
export function schemasAt(forms: readonly Schema[], path: readonly PropertyKey[]): Schema[] {
  let here = forms.flatMap(alternatives);
  for (const part of path) here = here.flatMap((schema) => child(schema, part) ?? []).flatMap(alternatives);
  return here;
}

/** The keys that a map at a path may have. */
export function keysAt(forms: readonly Schema[], path: readonly PropertyKey[]): string[] {
  return [...new Set(schemasAt(forms, path).flatMap(({ properties }) => Object.keys(properties ?? {})))];
}

/** Every place of a key in these forms, the shallow ones first. */
export function places(forms: readonly Schema[]): Place[] {
  const found = new Map<string, Place>();
  let level: [Place, Schema][] = forms.map((form) => [[], form]);
  while (level.length > 0) {
    level = level.flatMap(([path, schema]) => alternatives(schema).flatMap((each) => below(path, each)));
    for (const [path] of level) if (path.at(-1) !== '[]') found.set(path.join('.'), path);
  }
  return [...found.values()];
}

function below(path: Place, { properties = {}, items }: Schema): [Place, Schema][] {
  const keys = Object.entries(properties).map(([key, schema]): [Place, Schema] => [[...path, key], schema]);
  return items ? [...keys, [[...path, '[]'], items]] : keys;
}

/** The place of a path: entries of lists are alike. */
export function placeOf(path: readonly PropertyKey[]): Place {
  return path.map((part) => (typeof part === 'number' ? '[]' : String(part)));
}

/** A place as it is written in a file, `source: { iso: … }`, with dots for what is the user's. */
export function written(forms: readonly Schema[], [first = '', ...rest]: Place, above: Place = []): string {
  const here = [...above, first];
  if (first === '[]') return `[${rest.length === 0 ? '…' : braced(written(forms, rest, here), rest)}]`;
  if (rest.length === 0) return `${first}: ${blank(schemasAt(forms, here))}`;
  return `${first}: ${braced(written(forms, rest, here), rest)}`;
}

function braced(text: string, [first]: Place): string {
  return first === '[]' ? text : `{ ${text} }`;
}

/** What stands for a value that is the user's: of a map the keys that it must have. */
function blank([schema]: Schema[]): string {
  if (isSecret(schema)) return '{ env: NAME }';
  if (schema?.type === 'array') return '[…]';
  if (schema?.type !== 'object') return '…';
  const inner = (schema.required ?? []).map((key) => `${key}: ${blank([schema.properties?.[key] ?? {}])}`);
  return inner.length > 0 ? `{ ${inner.join(', ')} }` : '{ … }';
}

/** Whether a value is a reference to a secret: what stands in its place is never repeated. */
export function isSecret(schema: Schema | undefined): boolean {
  return Object.keys(schema?.properties ?? {}).join() === 'env,file';
}

/** What a value may be: the schema, and each that it offers. */
export function alternatives(schema: Schema): Schema[] {
  return [schema, ...(schema.anyOf ?? []).flatMap(alternatives)];
}

function child(schema: Schema, part: PropertyKey): Schema | undefined {
  return typeof part === 'number' || part === '[]' ? schema.items : schema.properties?.[String(part)];
}
