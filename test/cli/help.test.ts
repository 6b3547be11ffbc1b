import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { lastStages } from '../../src/pipeline/segments.ts';
import { stages } from '../../src/pipeline/stages.ts';

const run = promisify(execFile);
const vmkiln = (...args: string[]) => run(process.execPath, ['dist/cli.js', ...args]);

const commands = [
  ...['build', 'rehearse', 'plan', 'render', 'validate', 'fmt', 'doctor', 'inspect', 'verify', 'describe'],
  ...['diff', 'verify-provenance', 'convert', 'upload', 'image', 'verify-signature'],
  ...['promote', 'rollback', 'revoke', 'channels', 'builds', 'explain', 'logs'],
  ...['report', 'console', 'shell', 'clean', 'nightly', 'factory', 'schema', 'init', 'completion'],
];

/** The help of a command, and of the commands below it, by what is typed for it. */
async function helpOf(command: string): Promise<Map<string, string>> {
  const { stdout } = await vmkiln(command, '--help');
  const below = [...(stdout.split('Commands:')[1]?.split('\n\n')[0] ?? '').matchAll(/^ {2}([a-z-]+) /gm)];
  const verbs = below.map(([, verb = '']) => verb).filter((verb) => verb !== 'help');
  const helps = await Promise.all(verbs.map((verb) => vmkiln(command, verb, '--help')));
  return new Map([[command, stdout], ...helps.map((help, at) => [`${command} ${verbs[at]}`, help.stdout] as const)]);
}

/** The options that a help lists, without those in its examples. */
const optionsIn = (help: string) => help.slice(0, help.indexOf('Examples:'));

/** What Node.js loads for a command: packages, and files of the build without the digests in their names. */
async function loadedBy(...args: string[]): Promise<{ packages: string[]; chunks: string[]; bytes: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'vmkiln-help-'));
  await run(process.execPath, ['dist/cli.js', ...args], { env: { ...process.env, NODE_V8_COVERAGE: folder } });
  const reports = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'));
  const urls = reports.flatMap((text) => (JSON.parse(text) as { result: { url: string }[] }).result);
  const files = urls.flatMap(({ url }) => (url.startsWith('file:') ? fileURLToPath(url) : []));
  const chunks = files.flatMap((file) => /\/dist\/chunks\/(.+?)(-[\w-]{8})?\.js$/.exec(file)?.[1] ?? []);
  return {
    packages: [...new Set(files.flatMap((file) => /node_modules\/([^/]+)/.exec(file)?.[1] ?? []))],
    chunks: chunks.toSorted(),
    bytes: files.reduce((sum, file) => sum + statSync(file).size, 0),
  };
}

test.each([
  ...[
    'plan',
    'validate',
    'doctor',
    'inspect',
    'verify',
    'describe',
    'diff',
    'verify-provenance',
    'promote',
    'channels',
  ],
  ...['builds', 'explain', 'logs', 'clean', 'nightly', 'image list', 'image show', 'factory status'],
])('%s answers scripts by --json', async (command) => {
  expect(optionsIn((await vmkiln(...command.split(' '), '--help')).stdout)).toContain('--json');
});

test('a command loads nothing that it does not need', async () => {
  const help = await loadedBy('--help');
  expect(help).toMatchObject({ packages: [], chunks: ['base', 'main', 'rolldown-runtime'] });
  expect(help.bytes).toBeLessThan(200_000);
  const validate = await loadedBy('validate', 'recipes/rhel9.yaml', 'recipes/debian12.yaml');
  // No program is started, no XML is read, no template compiled, and nobody has to be told what he meant.
  expect(validate).toMatchObject({
    packages: [],
    chunks: ['base', 'config-file', 'error-text', 'format', 'main', 'recipes', 'rolldown-runtime', 'show', 'validate'],
  });
  expect(validate.bytes).toBeLessThan(800_000);
});

test('help lists the commands, and every command explains itself with examples that it accepts', async () => {
  const { stdout, stderr } = await vmkiln('--help');
  expect(stderr).toBe('');
  expect([...stdout.matchAll(/^ {2}([a-z-]+) /gm)].map(([, name]) => name)).toEqual([...commands, 'help']);
  for (const command of commands) {
    const helps = await helpOf(command);
    // The examples of a command with others below it are about these.
    const all = [...helps.values()].map(optionsIn).join();
    for (const [words, help] of helps) {
      const examples = help.slice(help.indexOf('Examples:'));
      expect(examples).toContain(`vmkiln ${words} `.trimEnd());
      const own = new Set([...(words === command ? all : help).matchAll(/--[a-z-]+/g)].map(([flag]) => flag));
      for (const [flag] of examples.matchAll(/--[a-z-]+/g)) expect(own).toContain(flag);
    }
  }
});

test('the reference in docs/cli.md has every command and every option', async () => {
  const reference = readFileSync('docs/cli.md', 'utf8');
  for (const command of commands) {
    const section = reference.split(/^## /m).find((part) => part.startsWith(`vmkiln ${command}\n`)) ?? '';
    const help = [...(await helpOf(command)).values()].map(optionsIn).join('\n');
    const options = help.matchAll(/^ {2}(?:-[cfqv], )?(--[a-z-]+)/gm);
    const missing = [...options].map(([, option]) => option).filter((option) => !section.includes(`\`${option}`));
    expect({ command, described: section !== '', missing }).toEqual({ command, described: true, missing: [] });
  }
});

test('--until offers the stages that leave something, and --from all', async () => {
  const { stdout } = await vmkiln('plan', '--help');
  const choices = (option: string) =>
    new RegExp(`${option} <stage>.*?: ([a-z, \\n]+?)\\n {2}--`, 's').exec(stdout)?.[1]?.split(/,\s+/);
  expect(choices('--until')).toEqual(lastStages(stages));
  expect(choices('--from')).toEqual(stages.map(({ name }) => name));
});

test('the version is that of the package', async () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
  expect((await vmkiln('--version')).stdout).toBe(`${version}\n`);
});

test('help takes the words of a command, and names the nearest for one that is not there', async () => {
  expect(await vmkiln('help', 'image', 'list')).toEqual(await vmkiln('image', 'list', '--help'));
  await expect(vmkiln('help', 'image', 'lst')).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringMatching(
      /^vmkiln: unknown command 'lst', did you mean "list"\?\n {2}next: vmkiln image --help/,
    ),
  });
});

test('every command has a man page, with its options and examples', async () => {
  expect(readdirSync('dist/man').toSorted()).toEqual(
    ['vmkiln.1', ...commands.map((command) => `vmkiln-${command}.1`)].toSorted(),
  );
  const page = readFileSync('dist/man/vmkiln-image.1', 'utf8').replaceAll('\\-', '-');
  for (const help of (await helpOf('image')).values()) {
    const [options, examples] = help.split('Examples:');
    for (const [, option] of (options ?? '').matchAll(/^ {2}(-.*?)(?: {2,}|$)/gm)) expect(page).toContain(option);
    for (const [, example] of (examples ?? '').matchAll(/\$ (.*)$/gm)) expect(page).toContain(example);
  }
});

test('in a terminal of 50 columns no option is broken anywhere', async () => {
  const terminal = ['test/support/terminal.py', '50', '24'];
  const { stdout } = await run('python3', [...terminal, process.execPath, 'dist/cli.js', 'convert', '--help']);
  const lines = optionsIn(stdout).split(/\r?\n/);
  expect(lines.length).toBeGreaterThan(20);
  expect(lines.filter((line) => line.length > 50)).toEqual([]);
});
