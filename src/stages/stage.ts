import type { Family } from '../families/family.ts';
import type { Recipe } from '../recipe/recipe.ts';
import type {
  Command,
  Emit,
  Host,
  InstallerLog,
  Media,
  Plan,
  Published,
  RenderedFile,
  StageName,
  Weight,
  World,
} from '../model.ts';
import type { HookName } from '../recipe/hooks.ts';
import type { Layer } from '../store/checkpoints.ts';
import type { PlannedTarget } from '../targets/index.ts';
import type { Serial } from '../targets/serial.ts';
import type { ImageToPublish } from '../targets/target.ts';
import type { ExecOptions, ExecResult } from '../tools/exec.ts';

/** All that a stage's plan may depend on. */
export type StageInput = {
  /** Name of the image: the recipe's, or NAME-rehearsal. */
  name: string;
  rehearsal: boolean;
  recipe: Recipe;
  family: Family;
  /** How to read the installer's log. */
  installer: InstallerLog | undefined;
  host: Host;
  media: Media;
  rendered: readonly RenderedFile[];
  /** What tells the key that signs statements about the image from others; undefined when none does. */
  signer?: string | undefined;
  /** SHA-256 (lower-case hex) of the files of the user's, by their paths. */
  files: ReadonlyMap<string, string>;
};

/** What a stage will do, decided beforehand. `Settings` is plain data: a plan is kept as JSON. */
export type StageWork<Settings> = {
  commands: readonly Command[];
  /** The top-level recipe keys that the commands come from. */
  keys: readonly string[];
  /** Why there is nothing to do, in words for a person. */
  omitted?: string;
  /** Seconds after which what the stage installs, which is that of its day, is too old. */
  maxAge?: number | undefined;
  /** Bytes of memory and cores that it keeps busy; nothing at all, not even disk, without it. */
  takes?: Omit<Weight, 'disk'>;
  /** A file outside of the checkpoint store that its result has as its backing file. */
  base?: string | undefined;
  /** What its run needs besides the commands. */
  settings?: Settings;
  /** What decides its result besides the commands, and so counts in its fingerprint. */
  counts?: unknown;
};

/** A stage that was planned, as its run sees it. */
export type Step<Settings = unknown> = { commands: readonly Command[]; settings: Settings };

/** All that a stage gets to touch the world with, and never more. */
export type StageContext = {
  signal: AbortSignal;
  emit: Emit;
  world: World;
  host: Host;
  /** Runs one planned command to its end; its output goes to a log of its own. `signal` stops this one alone. */
  run(command: Command, options?: { onLine?: (line: string) => void; signal?: AbortSignal }): Promise<ExecResult>;
  /**
   * Runs a control command, which is not part of the plan: virsh to watch a guest, cp to publish. `signal` replaces the build's own, for
   * clean-up after an abort.
   */
  control(call: Omit<ExecOptions, 'signal' | 'log' | 'redact'>, signal?: AbortSignal): Promise<ExecResult>;
  /** Absolute path of a file in the work folder. */
  work(file: string): string;
  /** Absolute path of a file in the build's folder, which outlives the build. */
  kept(file: string): string;
  /** The libvirt domain of this build. */
  domain: string;
  /** What an earlier stage left in the checkpoint store. */
  layer(stage: StageName): Layer;
  /** The finished image, in the checkpoint store. */
  image(): Layer;
  /** What a stage has left about the image; undefined when it has nothing to do for this recipe. */
  document(stage: StageName): Layer | undefined;
  /** What is being built. */
  plan: Plan<Recipe>;
  /** The folder of the last build of this image that was published, and its id. */
  lastPublished?: { build: string; folder: string } | undefined;
  build: string;
  /** Of its publication. */
  serial: Serial;
  keepOnFailure: boolean;
};

/** What is published, as far as it is known before the image is built, and where to: the settings of a stage that publishes. */
export type Publication = {
  image: Omit<
    ImageToPublish,
    | ('path' | 'sha256' | 'sha512' | 'size' | 'build' | 'serial' | 'rollback' | 'documents')
    | ('readSha256' | 'identity' | 'inspection' | 'unfit')
  >;
  targets: readonly PlannedTarget[];
};

/** One step of the pipeline. It says what it is; the pipeline knows none by name. */
export type Stage<Settings = unknown> = {
  name: StageName;
  /**
   * The work file that is kept in the checkpoint store when this stage ends, and so found again by its fingerprint: a layer
   * on the one below; the finished `image`, which is flat; or, from a stage after that, something about the image.
   */
  leaves?: { file: string; image?: true };
  /** The recipe's hook that follows it: whenever it ran, or whenever a build has its result, made or reused. */
  hook?: { name: HookName; after: 'run' | 'result' };
  /** It hands the image to targets, which is done every time; `because` says why. Its settings are a `Publication`. */
  publishes?: { because: string };
  plan(input: StageInput): StageWork<Settings>;
  /** What follows when a build has its result, made or reused, and before its hook. */
  settle?(layer: Layer, context: StageContext): Promise<void>;
  /** Runs the stage; without it, the commands run one after the other. */
  run?(step: Step<Settings>, context: StageContext): Promise<Published[] | void>;
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
