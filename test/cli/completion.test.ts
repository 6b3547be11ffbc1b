import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'vmkiln-completion-'));
writeFileSync(join(folder, 'my recipe.yaml'), '');

/** The words bash would offer for the last of these. */
function complete(...words: string[]): string[] {
  const script = `
    source <("$NODE" "$CLI" completion bash)
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
    _vmkiln
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync('bash', ['-c', script, 'bash', 'vmkiln', ...words], {
    encoding: 'utf8',
    cwd: folder,
    env: { ...process.env, NODE: process.execPath, CLI: join(process.cwd(), 'dist/cli.js') },
  });
  expect(stderr).toBe('');
  return stdout.split('\n').filter(Boolean);
}

test('bash completes commands, options, their values and recipes', () => {
  expect(complete('re')).toEqual(['rehearse', 'render', 'revoke', 'report']);
  expect(complete('build', '--k')).toEqual(['--keep-on-failure']);
  expect(complete('plan', '--k')).toEqual([]);
  expect(complete('build', '--until', 's')).toEqual(['sparsify']);
  expect(complete('build', '--from', 's')).toEqual(['sysprep', 'sparsify']);
  expect(complete('build', '--ui', '')).toEqual(['pretty', 'plain', 'json']);
  expect(complete('completion', '')).toEqual(['bash', 'zsh', 'fish']);
  expect(complete('image', 'h')).toEqual(['hide']);
  expect(complete('image', 'list', '--hi')).toEqual(['--hidden']);
  expect(complete('build', 'my')).toEqual(['my recipe.yaml']);
  expect(complete('build', '--vars', 'my')).toEqual(['my recipe.yaml']);
});

test.each(['bash', 'zsh', 'fish'])('%s can read its script', (shell) => {
  const { stdout, status } = spawnSync(process.execPath, ['dist/cli.js', 'completion', shell], { encoding: 'utf8' });
  expect(status).toBe(0);
  for (const word of ['build', 'rehearse', 'keep-on-failure', 'customize']) expect(stdout).toContain(word);
  const file = join(folder, shell);
  writeFileSync(file, stdout);
  // Not every machine has every shell.
  const check = spawnSync(shell, ['-n', file], { encoding: 'utf8' });
  expect(check.error === undefined ? check.stderr : '').toBe('');
});
