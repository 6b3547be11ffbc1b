import { basename, dirname } from 'node:path';
import { z } from 'zod';
import { messageOf, VmkilnError } from '../../errors.ts';
import { hookCommand } from '../../hooks.ts';
import type { Published } from '../../model.ts';
import { exec, type ExecOptions } from '../../tools/exec.ts';
import { followsFrom } from '../follows.ts';
import { sameFile } from '../same-file.ts';
import type { ImageToPublish, Looking, TargetContext } from '../target.ts';
import type { CommandSpec } from './recipe.ts';

/** Seconds that a question may take; publishing has the recipe's own limit. */
const askTimeout = 60;

const changesAnswer = z.object({ changes: z.array(z.string()) });
const publishAnswer = z.object({ location: z.string().min(1), unchanged: z.boolean().optional() });

/** Whether the program can publish. @throws VmkilnError TARGET_FAILED with what it says on standard error */
export async function check(spec: CommandSpec, looking: Looking): Promise<void> {
  await ask('check', spec, undefined, asking(looking));
}

/** What the program says it would change. @throws VmkilnError TARGET_FAILED */
export async function changes(image: ImageToPublish, spec: CommandSpec, looking: Looking): Promise<string[]> {
  return answerOf(changesAnswer, 'changes', spec, await ask('changes', spec, image, asking(looking))).changes;
}

/** Lets the program publish. What it prints on standard error is its progress. @throws VmkilnError TARGET_FAILED */
export async function publish(image: ImageToPublish, spec: CommandSpec, context: TargetContext): Promise<Published> {
  const digest = image.sha256 || ((await image.readSha256?.()) ?? '');
  const told = { ...image, sha256: digest };
  const run: Run = (options) => context.exec({ ...options, timeout: spec.timeout, onLine: context.progress });
  const { location, unchanged = false } = answerOf(
    publishAnswer,
    'publish',
    spec,
    await ask('publish', spec, told, run),
  );
  await sameFile(image);
  return { target: 'command', location, sha256: digest, size: image.size, unchanged };
}

type Verb = 'check' | 'changes' | 'publish';
type Run = (options: Pick<ExecOptions, 'program' | 'args' | 'cwd' | 'input'>) => Promise<{ stdout: string }>;

function asking({ signal, env }: Looking): Run {
  return (options) => exec({ ...options, timeout: askTimeout, signal, env });
}

/** Runs the program with a verb; the image and the options are one JSON document on its standard input. */
async function ask(verb: Verb, spec: CommandSpec, image: ImageToPublish | undefined, run: Run): Promise<string> {
  const { program, args } = hookCommand(spec);
  const about = image && { image: factsOf(image), rollback: image.rollback ?? false };
  const input = `${JSON.stringify({ version: 1, verb, options: spec.options, ...about })}\n`;
  try {
    return (await run({ program, args: [...args, verb], cwd: dirname(spec.run), input })).stdout;
  } catch (error) {
    if (!(error instanceof VmkilnError) || error.code !== 'COMMAND_FAILED') throw error;
    const said = messageOf(error).replace(program, basename(spec.run));
    throw new VmkilnError('TARGET_FAILED', `${verb}: ${said}`, {
      ...(error.hint && { hint: error.hint }),
      cause: error,
    });
  }
}

/** The image as a program is told of it: plain facts, `size` in bytes. */
function factsOf(image: ImageToPublish) {
  const { path, name, format, sha256, size, build, serial, rehearsal, description } = image;
  const said = image.properties ?? {};
  const properties = { ...followsFrom(image, format, said).properties, ...said };
  return { path, name, format, sha256, size, build, serial, rehearsal, description, properties };
}

function answerOf<T>(schema: z.ZodType<T>, verb: Verb, { run }: CommandSpec, stdout: string): T {
  const parsed = schema.safeParse(jsonOf(stdout));
  if (parsed.success) return parsed.data;
  const expected = verb === 'changes' ? '{"changes": ["…"]}' : '{"location": "…"}';
  throw new VmkilnError('TARGET_FAILED', `${basename(run)} ${verb} did not print ${expected}, but ${shown(stdout)}`, {
    hint: 'print one JSON value on standard output, and everything else on standard error; see docs/targets.md',
  });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function shown(text: string): string {
  const line = text.trim().replaceAll(/\s+/g, ' ');
  return line === '' ? 'nothing' : JSON.stringify(line.length > 80 ? `${line.slice(0, 79)}…` : line);
}
