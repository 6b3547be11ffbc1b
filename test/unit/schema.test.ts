import { expect, test } from 'vitest';
import { z } from 'zod';
import { recipeReference } from '../../scripts/recipe-reference.ts';
import { factorySchema, schema } from '../../src/commands/schema.ts';
import { factoryForm } from '../../src/factory/form.ts';
import { recipeSchema } from '../../src/families/index.ts';

test('recipe.schema.json is the schema of the code', async () => {
  await expect(`${JSON.stringify(schema(), null, 2)}\n`).toMatchFileSnapshot('../../recipe.schema.json');
});

test('factory.schema.json is the schema of the code', async () => {
  const text = JSON.stringify(factorySchema(factoryForm), null, 2);
  await expect(`${text}\n`).toMatchFileSnapshot('../../factory.schema.json');
});

test('docs/recipe.md is generated from the schema', async () => {
  const json = z.toJSONSchema(recipeSchema, { io: 'input', target: 'draft-07' });
  await expect(recipeReference(json)).toMatchFileSnapshot('../../docs/recipe.md');
});

test.each([schema(), factorySchema(factoryForm)])('every key of $title has a description that editors show', (form) => {
  const bare: string[] = [];
  const walk = (node: unknown, path: string) => {
    if (typeof node !== 'object' || node === null) return;
    const { properties = {}, items, anyOf = [] } = node as { properties?: object; items?: unknown; anyOf?: unknown[] };
    for (const [key, value] of Object.entries(properties)) {
      if (!(value as { description?: string }).description) bare.push(`${path}.${key}`);
      walk(value, `${path}.${key}`);
    }
    walk(items, `${path}[]`);
    for (const each of anyOf) walk(each, path);
  };
  walk(form, '');
  expect(bare).toEqual([]);
});
