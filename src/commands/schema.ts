import { z } from 'zod';
import { recipeSchema } from '../families/index.ts';

type Schema = { [key: string]: unknown };

/** A value may also be a variable, which editors know nothing of. */
const variable = { type: 'string', pattern: String.raw`\$\{.+\}` };

/** The JSON Schema (draft-07) of a recipe as it is written, for editors. */
export function schema(): Schema {
  return schemaOf(recipeSchema, 'vmkiln recipe');
}

/** The JSON Schema (draft-07) of a factory, likewise. */
export function factorySchema(form: z.ZodType): Schema {
  return schemaOf(form, 'vmkiln factory');
}

function schemaOf(form: z.ZodType, title: string): Schema {
  const { $schema, ...rest } = z.toJSONSchema(form, { io: 'input', target: 'draft-07' });
  return { $schema, title, ...(allowVariables(rest as Schema) as Schema) };
}

function allowVariables(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(allowVariables);
  if (typeof node !== 'object' || node === null) return node;
  const { description, default: preset, propertyNames, ...rest } = node as Schema;
  const about = { ...(description !== undefined && { description }), ...(preset !== undefined && { default: preset }) };
  const restricted =
    'pattern' in rest || 'enum' in rest || 'const' in rest || rest['type'] === 'integer' || rest['type'] === 'boolean';
  if (typeof rest['type'] === 'string' && restricted) return { ...about, anyOf: [rest, variable] };
  const inner = Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, allowVariables(value)]));
  return { ...about, ...inner, ...(propertyNames !== undefined && { propertyNames }) };
}
