import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { Language, type Node, Parser } from '@vscode/tree-sitter-wasm';
import { familyOf } from '../../src/families/index.ts';
import { windowsRecipe } from '../support/windows.ts';

/** PowerShell cannot run here. Its grammar, as editors use it, tells at least that a script can be read. */
await Parser.init();
const entry = createRequire(import.meta.url).resolve('@vscode/tree-sitter-wasm');
const parser = new Parser();
parser.setLanguage(await Language.load(entry.replace(/[^/]*$/, 'tree-sitter-powershell.wasm')));

/** Where a script is no PowerShell: line, from 1, and text. */
function faults(script: string): string[] {
  const wrong = (node: Node): string[] => [
    ...(node.isError || node.isMissing ? [`${node.startPosition.row + 1}: ${node.text}`] : []),
    ...node.children.flatMap((child) => (child ? wrong(child) : [])),
  ];
  const tree = parser.parse(script);
  return tree ? wrong(tree.rootNode) : ['it cannot be parsed'];
}

test.each([
  ['the least', '', '2022'],
  ['updates of all', 'install: { updates: all }\n', '2016'],
  [
    'updates from a server, without some',
    'install: { updates: { select: security, server: "http://w:8530/a_b", except: [KB5034439, KB123456] } }\n',
    '2025',
  ],
  ['a recovery partition', 'install: { recovery: partition }\n', '2019'],
  [
    'a client',
    'machine: { firmware: uefi }\ninstall: { updates: security, variables: { a: "$(x) `y \' \\" {{z}}" } }\n',
    '11',
  ],
])('every script that is rendered can be read: %s', async (_, more, release) => {
  const recipe = await windowsRecipe(more, release);
  const scripts = familyOf(recipe)
    .render(recipe)
    .filter(({ name }) => name.endsWith('.ps1'));
  expect(scripts.length).toBeGreaterThanOrEqual(3);
  for (const { name, text } of scripts) expect(faults(text), name).toEqual([]);
});

test('a fault would be seen', () => {
  for (const script of ['if ($x { 1 }', 'foreach ($x in 1) {', "Write-Host 'abc", '$x = ', 'Get-X | | Y'])
    expect(faults(script), script).not.toEqual([]);
});

test('the commands of PowerShell in the documentation can be read', () => {
  const text = readFileSync(new URL('../../docs/windows.md', import.meta.url), 'utf8');
  const commands = [...text.matchAll(/powershell -NoProfile -Command "([^"\n]*)"/g)].map(([, command = '']) => command);
  expect(commands).not.toEqual([]);
  for (const command of commands) expect(faults(command), command).toEqual([]);
});
