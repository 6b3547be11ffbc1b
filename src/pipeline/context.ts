import { rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { VmkilnError } from '../errors.ts';
import type { Command, Emit, Host, Plan, StageName, World } from '../model.ts';
import type { Recipe } from '../recipe/recipe.ts';
import type { StageContext } from '../stages/stage.ts';
import type { Layer } from '../store/checkpoints.ts';
import type { Serial } from '../targets/serial.ts';
import { domainOf } from '../store/owner.ts';
import { buildVariable } from '../store/process.ts';
import { exec, type ExecOptions, type ExecResult } from '../tools/exec.ts';
import { resolveArg } from './resolve.ts';

/** What a build's stages share. */
export type ContextOptions = {
  build: string;
  serial: Serial;
  folder: string;
  work: string;
  signal: AbortSignal;
  emit: Emit;
  /** Its environment is that of every program. */
  world: World;
  host: Host;
  layers: ReadonlyMap<StageName, Layer>;
  /** The stage whose layer is the finished image. */
  imageStage: StageName | undefined;
  /** Number of the next log. */
  counter: () => number;
  plan: Plan<Recipe>;
  lastPublished?: StageContext['lastPublished'];
  /** Secret values, to keep out of logs. */
  redact: readonly string[];
  keepOnFailure: boolean;
};

/**
 * Makes an empty file that its owner alone can read, for a program that would make it by the usual umask: the work folder lets
 * every user pass, for QEMU runs as another one, to whom libvirt gives what a domain names (`dynamic_ownership` of qemu.conf).
 */
async function makePrivate(path: string): Promise<void> {
  await rm(path, { force: true });
  await writeFile(path, '', { mode: 0o600, flag: 'wx' });
}

/** The gate through which one stage reaches the world: every program it starts is an event with a log. */
export function stageContext(stage: StageName, options: ContextOptions): StageContext {
  const { build, folder, signal, emit, world, host, counter } = options;
  const work = (file: string) => join(options.work, file);
  const layer = (name: StageName) => {
    const found = options.layers.get(name);
    if (!found) throw new Error(`stage ${stage} needs the layer of ${name}, which is not there`);
    return found;
  };
  const places = {
    work,
    rendered: (name: string) => join(options.work, 'rendered', name),
    layer: (name: StageName) => layer(name).path,
    domain: domainOf(build),
  };

  async function start(
    program: string,
    rest: Omit<ExecOptions, 'program' | 'log' | 'redact'>,
    control: boolean,
  ): Promise<ExecResult> {
    const log = join(folder, 'logs', `${String(counter()).padStart(2, '0')}-${stage}-${basename(program)}.log`);
    const started = performance.now();
    emit({ type: 'command-started', stage, argv: [program, ...rest.args], log, control });
    let exitCode: number | undefined;
    try {
      const env = { ...world.env, [buildVariable]: build, TMPDIR: work('tmp'), ...rest.env };
      const result = await exec({ program, ...rest, env, log, redact: options.redact });
      exitCode = result.exitCode;
      return result;
    } catch (error) {
      if (error instanceof VmkilnError) exitCode = error.exitCode;
      throw error;
    } finally {
      emit({ type: 'command-finished', stage, program, exitCode, seconds: (performance.now() - started) / 1000 });
    }
  }

  return {
    build,
    serial: options.serial,
    signal,
    emit,
    world,
    host,
    work,
    layer,
    image: () => layer(options.imageStage ?? ''),
    document: (name) => options.layers.get(name),
    plan: options.plan,
    lastPublished: options.lastPublished,
    kept: (file) => join(folder, file),
    domain: places.domain,
    keepOnFailure: options.keepOnFailure,
    run: async (command: Command, { onLine, signal: own } = {}) => {
      const { program, timeout, env, secretFile } = command;
      const args = command.args.map((arg) => resolveArg(arg, places));
      const stop = own === undefined ? signal : AbortSignal.any([signal, own]);
      if (secretFile !== undefined) await makePrivate(work(secretFile));
      return start(program, { args, timeout, signal: stop, ...(env && { env }), ...(onLine && { onLine }) }, false);
    },
    control: ({ program, ...rest }, own) => start(program, { ...rest, signal: own ?? signal }, true),
  };
}
