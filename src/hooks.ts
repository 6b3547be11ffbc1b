import { writeFile } from 'node:fs/promises';
import { basename, dirname, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { interrupted, messageOf, VmkilnError } from './errors.ts';
import type { Explanation, Published } from './model.ts';
import { type HookName, type HookSpec, isZxScript } from './recipe/hooks.ts';
import type { ExecOptions } from './tools/exec.ts';

/** What a hook is told about its build. Holds no secrets: whoever calls makes sure that the texts of a failure have none. */
export type HookContext = {
  /** Id of the build. */
  build: string;
  /** Name of the image: the recipe's, or NAME-rehearsal. */
  name: string;
  /** Absolute path of the recipe. */
  recipe: string;
  rehearsal: boolean;
  /** The build's folder, with its events and logs. */
  folder: string;
  /** The image as far as it has come; `size` in bytes and `sha256` (lower-case hex) once it is finished. */
  image?: { path: string; format: 'qcow2' | 'raw'; sha256?: string; size?: number };
  /** Absolute paths of what is known of the image by then: docs/provenance.md. `verdict` is what verify found. */
  documents?: Partial<Record<'verdict' | 'inventory' | 'sbom' | 'statements' | 'difference', string>>;
  /** Where the image is by now. */
  published: readonly Published[];
  /** Why the build failed, for onFailure. */
  failure?: { stage?: string; code: string; message: string; explanation?: Explanation };
};

/** What running a hook takes. `exec` is that of tools/exec.ts with the build's log, redaction and environment added. */
export type HookWorld = {
  exec: (
    options: Pick<ExecOptions, 'program' | 'args' | 'timeout' | 'signal' | 'cwd' | 'input'> & {
      env: Readonly<Record<string, string>>;
    },
  ) => Promise<unknown>;
  warn: (message: string, hint?: string) => void;
  /** Path of the file, in the build's work folder, that the hook finds in VMKILN_CONTEXT. */
  contextFile: string;
  signal: AbortSignal;
};

/** The program of a hook and its arguments, as they are run. */
export function hookCommand({ run }: Pick<HookSpec, 'run'>): { program: string; args: string[] } {
  if (!isZxScript(run)) return { program: run, args: [] };
  return { program: process.execPath, args: [fileURLToPath(import.meta.resolve('zx/cli')), run] };
}

/**
 * Runs a hook of the recipe, if it has this one. The context is one JSON document, on standard input and in a file.
 * A hook that fails with `onError: warn` is a warning; so is onFailure whatever it says, because the failure that it
 * tells about matters more. An interrupted build has no onFailure hook: it has to end at once.
 *
 * @throws VmkilnError HOOK_FAILED, or INTERRUPTED.
 */
export async function runHook(
  hook: HookName,
  spec: HookSpec | undefined,
  context: HookContext,
  world: HookWorld,
): Promise<void> {
  const { signal, contextFile } = world;
  const last = hook === 'onFailure';
  if (spec === undefined || (last && signal.aborted)) return;
  const { program, args } = hookCommand(spec);
  const cwd = dirname(context.recipe);
  const input = `${JSON.stringify({ version: 1, hook, ...context })}\n`;
  try {
    await writeFile(contextFile, input, { mode: 0o600 });
    const env = { VMKILN_CONTEXT: contextFile };
    await world.exec({ program, args, timeout: spec.timeout, signal, cwd, env, input });
  } catch (error) {
    if (signal.aborted && !last) throw interrupted(`the ${hook} hook ran`, signal);
    const failure = hookFailure(`the ${hook} hook ${nameOfHook(spec.run, cwd)}`, program, error);
    if (!last && spec.onError === 'fail') throw failure;
    world.warn(failure.message, failure.hint);
  }
}

/** How a hook of a file in this folder is called: one that lies elsewhere, as those that vmkiln ships, by its name alone. */
export function nameOfHook(run: string, folder: string): string {
  const path = relative(folder, run);
  return path.startsWith('..') ? basename(run) : path;
}

/** The error of `exec`, which begins with the program, told of the hook: a person has never heard of the program node, nor of its stack. */
export function hookFailure(subject: string, program: string, error: unknown): VmkilnError {
  const { code, hint } = error instanceof VmkilnError ? error : {};
  if (code === 'TOOL_MISSING') {
    return new VmkilnError('HOOK_FAILED', `${subject} could not be started`, {
      hint: 'see whether the interpreter in its first line, after #!, is installed',
      cause: error,
    });
  }
  const said = messageOf(error).replaceAll(/\n +at .*/g, '');
  const message = said.startsWith(`${program} `)
    ? `${subject}${said.slice(program.length)}`
    : `${subject} failed: ${said}`;
  return new VmkilnError('HOOK_FAILED', message, { ...(hint && { hint }), cause: error });
}
