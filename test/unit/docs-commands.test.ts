import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { defineProgram, stagesFor } from '../../src/commands/program.ts';
import type { CommandContext } from '../../src/ui/ui.ts';

// Every command of vmkiln that the documents show in a code block, read by the program itself: its command, options, the values of these
// that can be known, and the number of its arguments. Nothing is run.

const project = resolve(import.meta.dirname, '../..');
const files = [
  'README.md',
  'Containerfile',
  ...['docs', 'recipes'].flatMap((folder) => readdirSync(join(project, folder)).map((name) => `${folder}/${name}`)),
].filter((name) => /\.(md|yaml)$|^[A-Z]\w+$/.test(name));

/** The command lines of a file in which vmkiln is what a shell would run: in code blocks of a page, in comments of others. */
function shown(file: string): string[] {
  const text = readFileSync(join(project, file), 'utf8');
  const margin = file.endsWith('.md') ? ' {4,}' : '# +';
  const lines = text.replaceAll(/\\\n(?:#? *)/g, ' ').split('\n');
  return lines.flatMap((line) => {
    const before = String.raw`(?:- )?(?:[\d *]+ )?(?:\$ |sh '|exec |sudo |root +|podman run .* |[A-Z_]+=\S+ )*(?:npx )?`;
    const [, rest] = new RegExp(`^${margin}${before}vmkiln +([a-z-].*)`).exec(line) ?? [];
    return rest === undefined ? [] : [rest];
  });
}

/** What a shell would give vmkiln, up to a pipe, a redirection or a comment. */
function wordsOf(line: string): string[] {
  const words: string[] = [];
  for (const [word, operator] of line.matchAll(/(?:"[^"]*"|'[^']*'|[^\s"'|;&<>])+|([|;&<>'])/g)) {
    if (operator !== undefined || word.startsWith('#')) break;
    words.push(word.replaceAll(/"([^"]*)"|'([^']*)'/g, '$1$2'));
  }
  // The number of a redirected stream.
  if (/^[12]$/.test(words.at(-1) ?? '')) words.pop();
  return words;
}

const context: CommandContext = {
  signal: new AbortController().signal,
  world: { env: {}, cwd: '/' },
  say: () => {},
  sayThrough: async (_say, body) => body(),
};

/** Why the program would not take these words, or the empty text. */
async function refusal(words: readonly string[]): Promise<string> {
  const argv = ['node', 'vmkiln', ...words];
  let ran = 0;
  const program = defineProgram(context, await stagesFor(argv), async () => void (ran += 1));
  let said = '';
  const quiet = (command: typeof program): void => {
    command.configureOutput({ writeErr: (text) => (said += text), writeOut: () => {} });
    for (const each of command.commands) quiet(each);
  };
  quiet(program);
  try {
    await program.parseAsync(argv);
  } catch (error) {
    return said || String(error);
  }
  return ran === 1 ? '' : 'it runs nothing';
}

test('the program takes every command that the documents show', async () => {
  const found = files.flatMap((file) => shown(file).map((line) => ({ file, line })));
  expect(found.length).toBeGreaterThan(100);
  const refused: string[] = [];
  for (const { file, line } of found) {
    const words = wordsOf(line);
    // A synopsis, whose options docs.test.ts knows.
    if (words.some((word) => /…|^\.\.\.$|^\[/.test(word))) continue;
    const why = await refusal(words);
    if (why !== '') refused.push(`${file}: vmkiln ${line}\n  ${why}`);
  }
  expect(refused).toEqual([]);
});
