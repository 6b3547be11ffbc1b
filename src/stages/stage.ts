import type { Family } from '../families/family.ts';
import type { Command, Emit, Host, Media, Published, RenderedFile, StageName } from '../model.ts';
import type { Recipe, RecipeKey } from '../families/recipe.ts';
import type { Layer } from '../store/checkpoints.ts';
import type { ExecResult } from '../tools/exec.ts';

/** All that a stage's plan may depend on. */
export type StageInput = {
  recipe: Recipe;
  family: Family;
  host: Host;
  media: Media;
  rendered: readonly RenderedFile[];
};

/**
 * What a stage will do: its commands in order, and the top-level recipe keys they come from. `omitted` says in words why
 * there is nothing to do. `maxAge` is in seconds: what the stage installs is that of its day, and too old after that.
 */
type StageWork = {
  commands: readonly Command[];
  keys: readonly RecipeKey[];
  omitted?: string;
  maxAge?: number | undefined;
};

/** All that a stage gets to touch the world with, and never more. */
export type StageContext = {
  signal: AbortSignal;
  emit: Emit;
  /** Runs one planned command to its end; its output goes to a log of its own. `signal` stops this one alone. */
  run(command: Command, options?: { onLine?: (line: string) => void; signal?: AbortSignal }): Promise<ExecResult>;
  /** Runs a control command (virsh, cp): declared in pipeline/context.ts, and not part of the plan. */
  control(program: string, args: readonly string[], options?: ControlOptions): Promise<ExecResult>;
  /** Absolute path of a file in the work folder. */
  work(file: string): string;
  /** Absolute path of a file in the build's folder, which outlives the build. */
  kept(file: string): string;
  /** The libvirt domain of this build. */
  domain: string;
  /** What an earlier stage left in the checkpoint store. */
  layer(stage: StageName): Layer;
  build: string;
  keepOnFailure: boolean;
};

/** `timeout` in seconds, 20 by default. `signal` replaces the build's own, for clean-up after an abort. */
type ControlOptions = {
  timeout?: number;
  signal?: AbortSignal;
  accept?: readonly number[];
  env?: Readonly<Record<string, string>>;
};

/** What the upload stage needs besides the context. */
type ImageFacts = { name: string; rehearsal: boolean };

/** One step of the pipeline. */
export type Stage = {
  name: StageName;
  /** The work file that becomes a layer in the checkpoint store when this stage ends. */
  leaves?: string;
  plan(input: StageInput): StageWork;
  /** Runs the stage; without it, the commands run one after the other. */
  run?(
    commands: readonly Command[],
    input: StageInput & ImageFacts,
    context: StageContext,
  ): Promise<Published[] | void>;
};

/** The layer that stands before sysprep: customize's, unless that stage has nothing to do. */
export function lastLayer(customize: object): { layer: StageName } {
  return { layer: 'omitted' in customize ? 'install' : 'customize' };
}

/** Runs commands one after the other and reports what `read` finds in their output: a fraction, or words. */
export async function runWithProgress(
  stage: StageName,
  commands: readonly Command[],
  context: StageContext,
  read: (line: string) => number | string | undefined,
): Promise<void> {
  let shown: number | string | undefined;
  for (const command of commands) {
    const onLine = (line: string) => {
      const progress = read(line);
      const step = typeof progress === 'number' ? Math.floor(progress * 20) : progress;
      if (progress === undefined || step === shown) return;
      shown = step;
      context.emit(
        typeof progress === 'number'
          ? { type: 'progress', stage, message: command.program, fraction: progress }
          : { type: 'progress', stage, message: progress },
      );
    };
    await context.run(command, { onLine });
  }
}
