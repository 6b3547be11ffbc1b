import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { inTerminal } from '../support/terminal.ts';

const folder = mkdtempSync(join(tmpdir(), 'vmkiln-completion-'));
writeFileSync(join(folder, 'my recipe.yaml'), '');

/** The script for a shell, in a file that the shell looks for by itself. */
function install(shell: string, name: string): string {
  const { stdout, status } = spawnSync(process.execPath, ['dist/cli.js', 'completion', shell], { encoding: 'utf8' });
  expect(status).toBe(0);
  mkdirSync(join(folder, shell), { recursive: true });
  writeFileSync(join(folder, shell, name), stdout);
  return join(folder, shell, name);
}

const scripts = {
  bash: install('bash', 'vmkiln'),
  zsh: install('zsh', '_vmkiln'),
  fish: install('fish', 'vmkiln.fish'),
};

const run = (program: string, args: readonly string[]) =>
  spawnSync(program, args, { encoding: 'utf8', cwd: folder, env: { ...process.env, HOME: folder } });

/** The words bash would offer for the last of these. */
function bash(...words: string[]): string[] {
  const script = `
    source "$1"; shift
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
    _vmkiln
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = run('bash', ['-c', script, 'bash', scripts.bash, 'vmkiln', ...words]);
  expect(stderr).toBe('');
  return stdout.split('\n').filter(Boolean);
}

/** Those of fish, which puts them in order. */
function fish(...words: string[]): string[] {
  const line = ['vmkiln', ...words].join(' ');
  const { stdout, stderr } = run('fish', [
    '--no-config',
    '-c',
    `source ${scripts.fish}; complete -C ${JSON.stringify(line)}`,
  ]);
  expect(stderr).toBe('');
  return stdout.split('\n').flatMap((each) => each.split('\t')[0] || []);
}

/** What zsh shows to somebody who types a line and then Tab, once `expected` is there. */
async function zsh(line: string, expected: RegExp): Promise<string> {
  const { screen } = await inTerminal(
    'zsh',
    ['-f', '-i'],
    [
      [/[#%] /, `PS1='vm> '; fpath=(${folder}/zsh $fpath); autoload -Uz compinit; compinit -u -D; echo re""ady\n`],
      [/ready\s[^]*vm> /, `${line}\t`],
      [expected, null],
    ],
    { cwd: folder, env: { HOME: folder, TERM: 'dumb' } },
  );
  return screen.slice(screen.indexOf(line) + line.length);
}

const has = (shell: string) => spawnSync(shell, ['--version']).error === undefined;

test.each([
  [['re'], ['rehearse', 'render', 'report', 'revoke']],
  [['build', '--k'], ['--keep-on-failure']],
  [['plan', '--k'], []],
  [['build', '--from', 'sp'], ['sparsify']],
  [
    ['build', '--ui', ''],
    ['json', 'plain', 'pretty'],
  ],
  [
    ['completion', ''],
    ['bash', 'fish', 'zsh'],
  ],
  [['help', 'reh'], ['rehearse']],
  [['image', 'h'], ['hide']],
  [['image', 'list', '--hi'], ['--hidden']],
  [
    ['convert', '--to', ''],
    ['ami', 'qcow2', 'raw', 'vdi', 'vhd', 'vhdx', 'vmdk'],
  ],
  [
    ['convert', '--compression', ''],
    ['zlib', 'zstd'],
  ],
  [['image', 'set', '--hi'], ['--hidden']],
])('bash and fish complete %j', (words, expected) => {
  // bash keeps the order of the command line.
  expect(bash(...words).toSorted()).toEqual(expected);
  if (has('fish')) expect(fish(...words)).toEqual(expected);
});

test('recipes and files are completed where they belong', () => {
  for (const words of [
    ['build', 'my'],
    ['build', '--vars', 'my'],
    ['convert', 'my'],
  ])
    expect(bash(...words)).toEqual(['my recipe.yaml']);
  expect(bash('build', '--ui', '=', 'j')).toEqual(['json']);
  for (const words of [
    ['builds', 'my'],
    ['upload', '--name', 'my'],
    ['completion', 'my'],
  ])
    expect(bash(...words)).toEqual([]);
  if (!has('fish')) return;
  expect(fish('build', 'my')).toEqual(['my recipe.yaml']);
  expect(fish('completion', 'my')).toEqual([]);
});

test.runIf(has('zsh'))('zsh completes what is typed, by its command', async () => {
  expect(await zsh('vmkiln convert --to ', /vmdk/)).toMatch(/^\W*ami\s+qcow2\s+raw\s+vdi\s+vhd\s+vhdx\s+vmdk/);
  const values = await zsh('vmkiln build --until ', /verify/);
  expect(values).toMatch(/customize/);
  expect(values).not.toMatch(/vmdk/);
  expect(await zsh('vmkiln image list --hid', /hidden/)).toMatch(/^den/);
  expect(await zsh('vmkiln build my', /recipe\.yaml/)).toMatch(/^\\ recipe\.yaml/);
});
