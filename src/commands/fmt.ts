import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type Document, isMap, isSeq, parseDocument, visit, YAMLMap, YAMLSeq } from 'yaml';
import { messageOf, VmkilnError } from '../errors.ts';
import { readDocument } from '../recipe/load.ts';
import { harmless } from '../text.ts';
import type { CommandContext } from '../ui/ui.ts';

/**
 * `vmkiln fmt`: writes recipes anew in one layout, and lists those that changed; with `check` it writes nothing. What comes from
 * standard input goes to standard output. Returns 1 when `check` finds one that is not in that layout.
 *
 * @throws VmkilnError RECIPE_INVALID for a file that is no YAML or cannot be read, USAGE when it cannot be written.
 */
export async function fmt(
  paths: readonly string[],
  { check = false }: { check?: boolean },
  { world }: CommandContext,
): Promise<number> {
  let changed = 0;
  for (const path of paths) {
    const input = path === '-' ? world.stdin : undefined;
    const text = input ?? (await readDocument(recipe, path, world.cwd));
    const formatted = formatRecipe(text, path);
    const isSame = formatted === text;
    if (!isSame) changed += 1;
    if (input !== undefined && !check) process.stdout.write(formatted);
    else if (!isSame) process.stdout.write(`${harmless(path)}\n`);
    if (!isSame && !check && input === undefined) await write(resolve(world.cwd, path), formatted);
  }
  return check && changed > 0 ? 1 : 0;
}

async function write(file: string, text: string): Promise<void> {
  // In place: its mode, owner and links are the user's.
  await writeFile(file, text).catch((cause: unknown) => {
    throw new VmkilnError('USAGE', `${file} cannot be written: ${messageOf(cause)}`, { cause });
  });
}

const recipe = { noun: 'recipe', code: 'RECIPE_INVALID' } as const;

/**
 * A YAML document in one layout: two blanks deeper each level, `{ a: 1 }` and `[a, b]`, one blank before a comment, at most one empty
 * line. Keys keep their order, texts their quotes, and comments their place. Pure.
 *
 * @param path what the document is called in errors.
 * @throws VmkilnError RECIPE_INVALID with the position of what is no YAML.
 */
export function formatRecipe(text: string, path: string): string {
  const document = parse(text, path);
  visit(document, {
    Collection: (_key, node) => {
      if (!node.flow) return;
      if (isMap(node)) padded(node, YAMLMap.prototype, ' ');
      else if (isSeq(node)) padded(node, YAMLSeq.prototype, '');
    },
  });
  const formatted = document.toString({ lineWidth: 0, indentSeq: true });
  // A layout must not change what a recipe says.
  if (!isDeepStrictEqual(valueOf(parse(formatted, path), path), valueOf(document, path)))
    throw invalid(path, 'would mean something else in this layout: is a map or a list one of its keys?');
  return formatted;
}

function valueOf(document: Document, path: string): unknown {
  try {
    return document.toJS();
  } catch (cause) {
    throw invalid(path, 'has too many YAML aliases, or one within itself', cause);
  }
}

function invalid(path: string, what: string, cause?: unknown): VmkilnError {
  return new VmkilnError('RECIPE_INVALID', `${path}: ${what}`, { hint: `vmkiln validate ${path}`, cause });
}

/** One setting of yaml is for both kinds of brackets: `flowCollectionPadding` of its context. */
function padded(node: YAMLMap | YAMLSeq, { toString }: YAMLMap | YAMLSeq, flowCollectionPadding: string): void {
  node.toString = function padding(context, ...rest) {
    return toString.call(this, context && { ...context, flowCollectionPadding }, ...rest);
  };
}

function parse(text: string, path: string): Document {
  const document = parseDocument(text, { logLevel: 'error' });
  const [error] = document.errors;
  if (error === undefined) return document;
  const [at] = error.linePos ?? [];
  const place = at === undefined ? '' : `:${at.line}:${at.col}`;
  throw new VmkilnError(
    'RECIPE_INVALID',
    `${path}${place} ${error.message.split('\n')[0]?.replace(/ at line .*/, '')}`,
    {
      hint: `vmkiln validate ${path}`,
    },
  );
}
