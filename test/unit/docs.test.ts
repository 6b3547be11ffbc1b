import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { errorCatalogue } from '../../src/errors.ts';
import { loadRecipe } from '../../src/families/index.ts';

const project = resolve(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(project, path), 'utf8');
const pages = [
  'README.md',
  'CHANGELOG.md',
  ...readdirSync(join(project, 'docs')).flatMap((name) => (name.endsWith('.md') ? [`docs/${name}`] : [])),
];

/** What GitHub makes of a heading when it is linked to. */
function anchors(page: string): string[] {
  const headings = [...read(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading);
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** The lines of a page's code that begin with `vmkiln` or `npx vmkiln`, and what stands in backquotes, as words. */
function commandLines(text: string): string[][] {
  const lines = [
    ...text.matchAll(/^ {4,}(?:exec )?(?:npx )?vmkiln (.*(?:\\\n.*)*)/gm),
    ...text.matchAll(/`(?:npx )?vmkiln ([^`]*)`/g),
  ];
  return lines.map(([, words = '']) => words.replace(/\s#.*/, '').split(/\s+/));
}

describe('docs/errors.md', () => {
  test('has every code of the catalogue, in its order, with its exit status, and no other', () => {
    const sections = read('docs/errors.md').matchAll(/^## ([A-Z_]+)\n\nExit status (\d+)\. \S/gm);
    expect([...sections].map(([, code, status]) => [code, Number(status)])).toEqual(Object.entries(errorCatalogue));
  });
});

describe('docs/operations.md', () => {
  test('has every event with its fields', () => {
    const model = read('src/model.ts');
    const published = /type Published = \{([^}]*)\}/.exec(model)?.[1];
    const fields = (members = '') =>
      [...members.matchAll(/(\w+)(\??):/g)].map(([, name, optional]) => `${name}${optional}`);
    const members = [...model.matchAll(/^ {2}\| \(?\{\s*type: '([a-z-]+)';?([^}]*)\}( & Published)?/gm)];
    const events = members.map(([, type, rest, more]) => [type, fields(more ? published : rest)]);
    // A value that may be undefined is absent from JSON.
    const absent = [...model.matchAll(/(\w+): \w+ \| undefined; seconds/g)].map(([, name]) => name);
    const expected = events.map(([type, names]) => [
      type,
      [...(names ?? [])].map((name) => (absent.includes(name) ? `${name}?` : name)),
    ]);
    const rows = [...read('docs/operations.md').matchAll(/^\| `([a-z-]+)` +\| (.*?) +\|$/gm)];
    const described = rows.map(([, type, cells = '']) => [
      type,
      cells.split(', ').map((cell) => cell.replaceAll('`', '')),
    ]);
    expect(events.length).toBeGreaterThan(5);
    expect(described).toEqual(expected);
  });
});

describe('docs/architecture.md', () => {
  test('has every folder of src on its map', () => {
    const map = read('docs/architecture.md');
    const folders = readdirSync(join(project, 'src'), { withFileTypes: true });
    const names = folders.map((entry) => `src/${entry.name}${entry.isDirectory() ? '/' : ''}`);
    expect(names.filter((name) => !map.includes(`    ${name} `))).toEqual([]);
    const mapped = [...map.matchAll(/^ {4}(src\/\S+) /gm)].map(([, name]) => name);
    expect(mapped.toSorted()).toEqual(names.toSorted());
  });
});

describe.each(pages)('%s', (page) => {
  test('links to files and headings that exist', () => {
    const links = [...read(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link);
    const dead = links.filter((link) => {
      if (/^[a-z]+:/.test(link)) return false;
      const [path = '', heading] = link.split('#');
      const target = path === '' ? page : relative(project, resolve(project, dirname(page), path));
      if (!existsSync(join(project, target))) return true;
      return heading !== undefined && !anchors(target).includes(heading);
    });
    expect(dead).toEqual([]);
  });

  test('shows recipes that load', async () => {
    for (const [block] of read(page).matchAll(/^ {4}name: .*\n(?: {4}.*\n|\n(?= {4}))+/gm)) {
      const text = block.replaceAll(/^ {4}/gm, '');
      if (!/^family:/m.test(text)) continue;
      const folder = mkdtempSync(join(tmpdir(), 'docs-'));
      mkdirSync(join(folder, 'files'));
      writeFileSync(join(folder, 'files/motd'), '');
      writeFileSync(join(folder, 'shown.yaml'), text);
      const variables: Record<string, string> = text.includes('${iso}') ? { iso: '/x.iso' } : {};
      await expect(loadRecipe(join(folder, 'shown.yaml'), variables)).resolves.toBeDefined();
    }
  });

  test('names npm scripts, commands and options that exist', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const wanted = [...read(page).matchAll(/\bnpm (?:run ([a-z:-]+)|(test)\b)/g)].map(
      ([, run, plain]) => run ?? plain ?? '',
    );
    expect(wanted.filter((script) => !Object.hasOwn(scripts, script))).toEqual([]);

    const files = [
      ...[
        'program',
        'recipe-options',
        'build-program',
        'image-program',
        'image-verbs',
        'image-options',
        'describe-program',
      ],
      'factory-program',
      'factory-queue-program',
      'channel-program',
    ];
    const cli = files.map((file) => read(`src/commands/${file}.ts`)).join('');
    const verbs = new Set([...cli.matchAll(/\b(?:command|define)\(\s*'([a-z-]+)/g)].map(([, verb]) => verb));
    const options = new Set([...cli.matchAll(/--[a-z-]+/g), ['--help'], ['--version']].map(([option]) => option));
    expect(verbs.size).toBeGreaterThan(5);
    for (const [verb = '', ...words] of commandLines(read(page))) {
      if (/^[a-z]/.test(verb)) expect(verbs).toContain(verb);
      for (const word of words) {
        const [option] = /^--[a-z-]+/.exec(word) ?? [];
        if (option !== undefined) expect(options).toContain(option);
      }
    }
  });
});
