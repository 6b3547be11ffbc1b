import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { VmkilnError } from '../../src/errors.ts';
import { type HookContext, hookCommand, runHook } from '../../src/hooks.ts';
import type { HookName, HookSpec } from '../../src/recipe/hooks.ts';
import { loadRecipe } from '../../src/families/index.ts';
import { exec } from '../../src/tools/exec.ts';

const folder = mkdtempSync(join(tmpdir(), 'vmkiln-hooks-'));
mkdirSync(join(folder, 'hooks'));
const base = 'name: x\nfamily: rhel\nrelease: "7.9"\nsource: { iso: /x.iso }\n';
const context: HookContext = {
  build: 'x-1',
  name: 'x',
  recipe: join(folder, 'x.yaml'),
  rehearsal: false,
  folder: '/builds/x-1',
  image: { path: '/images/it is "x".qcow2', format: 'qcow2', sha256: 'ab', size: 5 },
  published: [{ target: 'directory', location: '/images/x.qcow2', sha256: 'ab', size: 5, unchanged: false }],
};

/** A hook's file with that text; executable unless it is a zx script. */
function put(name: string, text: string, mode = name.endsWith('.mjs') ? 0o644 : 0o755): string {
  const path = join(folder, 'hooks', name);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

const spec = (path: string, more: Partial<HookSpec> = {}): HookSpec => ({
  run: path,
  timeout: 60,
  onError: 'fail',
  ...more,
});

/** Runs a hook as a build does, and gives its output and warnings. */
async function run(hook: HookName, what: HookSpec, onLine?: (line: string, stop: () => void) => void) {
  const controller = new AbortController();
  const lines: string[] = [];
  const warnings: string[] = [];
  const log = join(folder, 'hook.log');
  const contextFile = join(folder, `context-${hook}.json`);
  const error: unknown = await runHook(hook, what, context, {
    exec: (options) =>
      exec({
        ...options,
        log,
        redact: ['hunter22'],
        onLine: (line) => {
          lines.push(line);
          onLine?.(line, () => controller.abort());
        },
      }),
    warn: (message) => warnings.push(message),
    contextFile,
    signal: controller.signal,
  }).catch((caught: unknown) => caught);
  return { error, lines, warnings, contextFile };
}

/** Whether a process still runs; a zombie does not. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

describe('a zx script', () => {
  test('has the globals of zx, the folder of the recipe, and the context on standard input and in a private file', async () => {
    const script = put(
      'say.mjs',
      `const given = JSON.parse(await stdin());
       const read = await fs.readJson(process.env.VMKILN_CONTEXT);
       echo(JSON.stringify({ given, read, cwd: process.cwd(), said: (await $\`echo \${given.image.path}\`).stdout }));`,
    );
    const { error, lines, contextFile } = await run('afterUpload', spec(script));
    expect(error).toBeUndefined();
    const document = { version: 1, hook: 'afterUpload', ...context };
    expect(JSON.parse(lines.at(-1) ?? '')).toEqual({
      given: document,
      read: document,
      cwd: folder,
      said: `${context.image?.path}\n`,
    });
    expect(statSync(contextFile).mode & 0o777).toBe(0o600);
  });

  test('that fails is told with its name, exit status, last words and log, and without secrets', async () => {
    const script = put('fail.mjs', 'await $`echo no such channel hunter22 >&2; exit 7`;');
    const { error } = await run('afterUpload', spec(script));
    expect(error).toMatchObject({ code: 'HOOK_FAILED', hint: `the whole output is in ${join(folder, 'hook.log')}` });
    const { message } = error as VmkilnError;
    expect(message).toMatch(/^the afterUpload hook hooks\/fail\.mjs exited with status 1: /);
    expect(message).toContain('no such channel ***');
    expect(readFileSync(join(folder, 'hook.log'), 'utf8')).not.toContain('hunter22');
  });

  test('that is interrupted ends with the programs it started, whatever onError says', async () => {
    const script = put('wait.mjs', 'const child = $`exec sleep 97`; echo(child.pid); await child;');
    let child = 0;
    const { error, warnings } = await run('afterBuild', spec(script, { onError: 'warn' }), (line, stop) => {
      child = Number(line);
      stop();
    });
    expect(error).toMatchObject({ code: 'INTERRUPTED' });
    expect(warnings).toEqual([]);
    expect(child).toBeGreaterThan(1);
    await expect.poll(() => isAlive(child)).toBe(false);
  });
});

describe('a program', () => {
  test('is run as it is, whatever characters are in its name', async () => {
    const program = put(`it's "a" $(hook)`, '#!/bin/sh\nset -e\ncat > /dev/null\necho "$# $0"\n');
    const { error, lines } = await run('afterInstall', spec(program));
    expect(error).toBeUndefined();
    expect(lines).toEqual([`0 ${program}`]);
    expect(hookCommand(spec(program))).toEqual({ program, args: [] });
  });

  test('need not read what it is told', async () => {
    expect((await run('afterBuild', spec('/bin/true'))).error).toBeUndefined();
    const text = 'x'.repeat(1024 ** 2);
    const { signal } = new AbortController();
    await expect(exec({ program: '/bin/true', args: [], timeout: 10, signal, input: text })).resolves.toMatchObject({
      exitCode: 0,
    });
  });

  test('that takes too long is killed with all it started', async () => {
    const program = put('slow', '#!/bin/sh\nsleep 97 &\necho $!\nwait\n');
    const { error, lines } = await run('afterBuild', spec(program, { timeout: 2 }));
    expect(error).toMatchObject({
      code: 'HOOK_FAILED',
      message: 'the afterBuild hook hooks/slow did not end within 2s',
    });
    expect(lines).toHaveLength(1);
    await expect.poll(() => isAlive(Number(lines[0]))).toBe(false);
  });

  test('without its interpreter is told', async () => {
    const { error } = await run('afterBuild', spec(put('odd', '#!/no/such/interpreter\n')));
    expect(error).toMatchObject({
      code: 'HOOK_FAILED',
      message: 'the afterBuild hook hooks/odd could not be started',
      hint: expect.stringContaining('interpreter'),
    });
  });
});

test('a failure warns with onError: warn, and always after a failed build', async () => {
  const program = put('no', '#!/bin/sh\necho nobody listens >&2\nexit 3\n');
  const expected = (hook: string) => [`the ${hook} hook hooks/no exited with status 3: nobody listens`];
  const afterBuild = await run('afterBuild', spec(program, { onError: 'warn' }));
  expect(afterBuild).toMatchObject({ error: undefined, warnings: expected('afterBuild') });
  const onFailure = await run('onFailure', spec(program));
  expect(onFailure).toMatchObject({ error: undefined, warnings: expected('onFailure') });
});

test('an interrupted build and a recipe without the hook run none', async () => {
  const world = {
    exec: () => Promise.reject(new Error('must not run')),
    warn: (message: string) => expect.unreachable(message),
    contextFile: join(folder, 'none.json'),
  };
  await runHook('onFailure', spec('/bin/true'), context, { ...world, signal: AbortSignal.abort() });
  await runHook('afterBuild', undefined, context, { ...world, signal: new AbortController().signal });
  expect(existsSync(world.contextFile)).toBe(false);
});

describe('in a recipe', () => {
  const load = (hooks: string) => {
    writeFileSync(join(folder, 'x.yaml'), `${base}hooks:\n${hooks}`);
    return loadRecipe(join(folder, 'x.yaml'), {});
  };

  test('a path is the short form; both belong to the folder of the recipe', async () => {
    const script = put('a b.mjs', '');
    const { recipe } = await load(
      '  afterBuild: hooks/a b.mjs\n  onFailure: { run: hooks/a b.mjs, timeout: 90s, onError: warn }\n',
    );
    expect(recipe.hooks).toEqual({
      afterBuild: { run: script, timeout: 300, onError: 'fail' },
      onFailure: { run: script, timeout: 90, onError: 'warn' },
    });
    expect(hookCommand(spec(script))).toEqual({
      program: process.execPath,
      args: [expect.stringMatching(/\/zx\/build\/cli\.js$/), script],
    });
  });

  test.each([
    ['  afterBuild: hooks/none.mjs\n', /^6:15 hooks\.afterBuild: there is no file .*\/hooks\/none\.mjs$/],
    ['  afterBuild: hooks\n', /^6:15 hooks\.afterBuild: .*\/hooks is a folder: expected a file$/],
    ['  afterBuild:\n    run: hooks/plain.sh\n', /^7:5 hooks\.afterBuild: .*plain\.sh is not executable: .*chmod \+x/],
    ['  afterbuild: hooks/a\n', /^6:3 hooks: unrecognised key "afterbuild", did you mean "afterBuild"\?$/],
    ['  afterBuild: { run: a, timeot: 5m }\n', /^6:25 hooks\.afterBuild: unrecognised key "timeot", did you mean "tim/],
    [
      '  afterBuild: { run: a, timeout: 5 }\n',
      /^6:34 hooks\.afterBuild\.timeout: expected a duration like 60m, got 5: write timeout: 5m$/,
    ],
    [
      '  afterBuild: { run: a, onError: stop }\n',
      /^6:34 hooks\.afterBuild\.onError: expected fail or warn, got "stop"$/,
    ],
    ['  afterBuild: { timeout: 5m }\n', /^6:15 hooks\.afterBuild\.run: is missing: A `.mjs` file$/],
    [
      '  afterBuild: [a]\n',
      /^6:15 hooks\.afterBuild: expected a path, or \{ run: PATH, timeout: 5m, onError: fail \}$/,
    ],
  ])('%j is refused', async (hooks, expected) => {
    put('plain.sh', '#!/bin/sh\n', 0o644);
    const error: unknown = await load(hooks).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'RECIPE_INVALID' });
    expect((error as VmkilnError).message.replace(`${folder}/x.yaml:`, '')).toMatch(expected);
  });
});
