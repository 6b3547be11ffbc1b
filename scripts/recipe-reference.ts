import { isDeepStrictEqual } from 'node:util';
import type { Schema } from '../src/recipe/schema.ts';

const introduction = `# Recipe reference

A recipe is one YAML file. This page lists every key with its meaning and its default; a key without a default is optional
unless it is marked as required. The page is generated from the schema: \`npx vitest run --project unit test/unit/schema.test.ts -u\`.

- Sizes have a unit, \`8G\` or \`512M\` (powers of 1024), and so have durations, \`90s\`, \`60m\`, \`2h\` or \`7d\`.
- Secrets are references, \`{ env: NAME }\` or \`{ file: PATH }\`, never the secret itself.
- Relative paths refer to the folder of the recipe. vmkiln looks for the ISO in the current folder too; the folder of the
  \`directory\` target is relative to the current folder.
- \`\${name}\` is replaced by \`--set name=…\` or the file given with \`--vars\`; \`\${name:-default}\` has a default; a key whose value
  is one variable and comes out empty counts as left out; \`$\${\` is a literal \`\${\`, for shell commands. Within \`{ }\` and \`[ ]\` a
  variable needs quotes.
- Write what several parts have in common once, with anchors and merge keys (\`<<: *name\`). Keys at the top level that begin
  with \`x-\` are your own: vmkiln ignores them.

`;

const heading = '| Key | Value | Default | Meaning |\n| --- | --- | --- | --- |\n';

/** The page docs/recipe.md for a recipe's JSON Schema: the keys of every recipe, then those of each family. */
export function recipeReference(schema: object): string {
  const { oneOf: forms = [] } = schema as Schema;
  const [first = {}, ...others] = forms;
  const shared = Object.keys(first.properties ?? {}).filter((key) =>
    others.every(({ properties }) => isDeepStrictEqual(properties?.[key], first.properties?.[key])),
  );
  const table = (form: Schema, wanted: (key: string) => boolean) => {
    const properties = Object.entries(form.properties ?? {}).filter(([key]) => wanted(key));
    return `${heading}${rows('', { ...form, properties: Object.fromEntries(properties) }).join('\n')}\n`;
  };
  const own = forms.map((form) => {
    const title = `\n## family: ${String(form.properties?.['family']?.const)}\n\n`;
    return `${title}${table(form, (key) => !shared.includes(key))}`;
  });
  return `${introduction}## Every recipe\n\n${table(first, (key) => shared.includes(key))}${own.join('')}`;
}

function rows(prefix: string, schema: Schema): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, value]) => {
    const key = `${prefix}${name}`;
    const preset = value.default === undefined ? '' : code(JSON.stringify(value.default));
    const standing = schema.required?.includes(name) && value.default === undefined ? '**required**' : preset;
    return [`| ${code(key)} | ${kind(value)} | ${standing} | ${value.description ?? ''} |`, ...inner(key, value)];
  });
}

function inner(key: string, schema: Schema): string[] {
  if (isSecret(schema)) return [];
  if (schema.items) return inner(`${key}[]`, schema.items);
  return [schema, ...(schema.anyOf ?? [])].flatMap((each) => (isSecret(each) ? [] : rows(`${key}.`, each)));
}

function kind(schema: Schema): string {
  if (isSecret(schema)) return 'secret';
  if (schema.anyOf) return [...new Set(schema.anyOf.map(kind))].join(' or ');
  if (schema.enum) return schema.enum.map((value) => code(String(value))).join(', ');
  if (schema.const !== undefined) return code(String(schema.const));
  if (schema.items) return `list of ${kind(schema.items)}`;
  if (schema.type === 'object') return 'map';
  return (
    { string: 'text', integer: 'number', boolean: 'yes or no (`true`, `false`)' }[schema.type ?? ''] ??
    schema.type ??
    ''
  );
}

function isSecret({ properties }: Schema): boolean {
  return Object.keys(properties ?? {}).join() === 'env,file';
}

function code(text: string): string {
  return `\`${text.replaceAll('|', '\\|')}\``;
}
