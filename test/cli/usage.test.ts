import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';

function vmkiln(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['dist/cli.js', ...args], { encoding: 'utf8' });
  return { status, stdout, stderr };
}

test.each([
  [['biuld', 'x.yaml'], "unknown command 'biuld'", 'build'],
  [['build', 'x.yaml', '--untill', 'disk'], "unknown option '--untill'", '--until'],
  [['x.yaml'], "unknown command 'x.yaml': write vmkiln build x.yaml", 'vmkiln --help'],
  [['apply'], "unknown command 'apply': vmkiln build RECIPE builds an image", 'vmkiln --help'],
  [['--json', 'validate', 'x.yaml'], 'options follow the command: vmkiln COMMAND --json', 'vmkiln --help'],
  [['--versoin'], "unknown option '--versoin'\n(Did you mean --version?)", 'vmkiln --help'],
  [['build', 'x.yaml', '--dry-run'], 'vmkiln plan RECIPE shows what a build would do', 'vmkiln build --help'],
  [['validate', 'x.yaml', '--var', 'a=b'], "'--var': write --set KEY=VALUE", 'vmkiln validate --help'],
  [['inspect', 'none.img'], 'cannot read none.img: no such file or directory\n', 'give the path'],
  [['build'], "missing required argument 'recipe'", 'vmkiln build --help'],
  [['build', 'x.yaml', '--jobs', '0'], 'whole number above 0', 'vmkiln build --help'],
  [['build', 'x.yaml', '--ui', 'fancy'], 'pretty, plain, json', 'vmkiln build --help'],
  [
    ['plan', 'x.yaml', '--until', 'dinner'],
    'install, customize, sparsify, verify, describe, upload',
    'vmkiln plan --help',
  ],
  [
    ['build', 'x.yaml', '--until', 'sysprep'],
    'install, customize, sparsify, verify, describe, upload',
    'vmkiln build --help',
  ],
  [
    ['build', 'x.yaml', '--from', 'sysprep', '--until', 'install'],
    '--from sysprep comes after --until install',
    'the order',
  ],
  [['render', 'x.yaml'], "'--out <dir>' not specified", 'vmkiln render --help'],
  [['build', 'x.yaml', '--out', ''], 'must not be empty', 'vmkiln build --help'],
  [
    ['clean', '--keep-size', '1G', '--cache'],
    "'--keep-size <size>' cannot be used with option '--cache'",
    'clean --help',
  ],
  [['clean', '--keep-size', '50GB'], 'a size like 50G, got "50GB"', 'KiB'],
  [['plan', 'a.yaml', 'b.yaml'], 'too many arguments', 'vmkiln plan --help'],
])('wrong usage is told, with what to do, and ends with 2: %s', (args, message, next) => {
  const { status, stdout, stderr } = vmkiln(...args);
  expect(stderr).toMatch(/^vmkiln: /);
  expect(stderr).toContain(message);
  expect(stderr).toContain(next);
  expect(stdout).toBe('');
  expect(status).toBe(2);
});

test('no command at all is wrong usage: the help goes to standard error', () => {
  const { status, stdout, stderr } = vmkiln();
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toContain('Usage: vmkiln');
});

test('of several recipes each is told by its own error, and nothing but JSON reaches standard output', () => {
  const folder = mkdtempSync(join(tmpdir(), 'vmkiln-usage-'));
  const bad = join(folder, 'bad.yaml');
  writeFileSync(bad, 'name: [');
  const { status, stdout, stderr } = vmkiln('build', bad, join(folder, 'none.yaml'), '--ui', 'json');
  expect(stdout).toBe('');
  expect(stderr).toContain(bad);
  expect(stderr).toContain('none.yaml  failed');
  expect(status).toBe(2);
});

test('output that nobody reads ends quietly', () => {
  const script = `"${process.execPath}" dist/cli.js completion bash | true; echo "\${PIPESTATUS[0]}"`;
  const { stdout, stderr } = spawnSync('bash', ['-c', script], { encoding: 'utf8' });
  expect({ stdout, stderr }).toEqual({ stdout: '0\n', stderr: '' });
});
