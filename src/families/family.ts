import type { z } from 'zod';
import type { KnownFailure } from '../explain/failure.ts';
import type { ToolList } from '../host/checks/tools.ts';
import type {
  Arg,
  Command,
  Host,
  InstallerLog,
  MachineNeeds,
  Media,
  Piece,
  RenderedFile,
  SecretRef,
} from '../model.ts';
import type { RecipeFiles } from '../recipe/files.ts';
import type { MediaKeys } from '../recipe/media.ts';
import type { Recipe } from '../recipe/recipe.ts';
import type { InstallDevices } from '../tools/virt-install.ts';
import type { Expectation } from '../verify/expectation.ts';
import type { First } from './first.ts';

/** Arguments a family adds to a stage's command, and the top-level recipe keys they come from. */
export type Contribution = { args: readonly Arg[]; keys: readonly string[] };

/**
 * How an installer is started: what is made before it (answer media), its machine (memory in bytes) and devices, and its
 * virt-install arguments; how long it may take in all, and without a sign of progress, in seconds;
 * and, if it installs updates, how old they may be.
 */
export type Installation = Contribution & {
  before: readonly Command[];
  machine: { memory: number; vcpus: number };
  devices: InstallDevices;
  limits: { timeout: number; stallTimeout: number };
  maxAge?: number | undefined;
};

/** A mistake in a rendered file; `line` and `column` count from 1. A warning does not stop a build. */
export type Finding = { file: string; line: number; column: number; level: 'error' | 'warning'; message: string };

/** Why a stage has nothing to do, in words for a person. */
export type Omitted = { omitted: string };

/** A file of the user's as a command reads it: its content counts. */
export type FileOf = (path: string) => Piece;

/**
 * A repository that packages come from, as it looks from this host. The guest may be served by a mirror, which is behind at times
 * (`mirrored`).
 */
export type Repository = { url: string; mirrored: boolean } & (
  | { type: 'rpm' }
  | { type: 'deb'; suite: string; components: readonly string[] }
);

/**
 * Where the packages and updates of an image come from: what can be looked at without it, the CAs (PEM files) that its servers need,
 * and in words what cannot be seen.
 */
export type PackageSources = {
  repositories: readonly Repository[];
  ca: readonly string[];
  unseen: readonly string[];
};

/**
 * All that differs per operating system: data in, data out. Nothing here touches the world, except that `resolve` looks for
 * the files of a recipe, `render` reads template files, and `check` the media.
 */
export type Family<R extends Recipe = Recipe> = {
  /** The form of its recipes, as `recipeForm` makes it. */
  form: z.ZodType<R> & z.core.$ZodTypeDiscriminable;
  /** The media that the `source` of its recipes may name. */
  media: MediaKeys;
  /** Makes the paths of its own keys absolute, and reports what is not there. */
  resolve(recipe: R, files: RecipeFiles): R;
  /** What `vmkiln init` asks for a recipe of it besides what every recipe has. */
  first?: First;
  /** Absolute path of every file of the user's that its commands read. */
  files(recipe: R): readonly string[];
  /** osinfo short ids for this recipe, best first, then older releases to fall back to. */
  osinfo(recipe: R): readonly string[];
  /** Answer files, guest scripts and configuration, with holes where secrets belong. */
  render(recipe: R): readonly RenderedFile[];
  /** Programs that its images need on the host besides those of every build. */
  tools?: ToolList;
  /** What the machine of an installation needs of the host. */
  machine(recipe: R): MachineNeeds;
  /** How the installer is started from the media, and all it needs of the machine. A ready image is not installed. */
  install(recipe: R, media: Media, host: Host): Installation | Omitted;
  /**
   * virt-customize arguments for what may take long and need the network: registration, updates, packages. Its result is
   * kept, so that a change of anything else does not do it again. Everything that virt-sysprep cannot be given, too.
   */
  customize(recipe: R, file: FileOf): Contribution | Omitted;
  /** Seconds for which the updates that customize installs are new enough: no fingerprint sees them. Undefined without updates. */
  maxAge(recipe: R): number | undefined;
  /** Where new packages of its images come from. */
  packageSources(recipe: R): PackageSources;
  /**
   * virt-sysprep arguments, in order: built-in edits, the user's own steps, the explicit operations, the last edits.
   * virt-sysprep runs its operations before all edits.
   */
  sysprep(recipe: R, file: FileOf): Contribution | Omitted;
  /** Whether sysprep's last edit trims all that the disk has, so that virt-sparsify would free nothing more. */
  trims(rendered: readonly RenderedFile[]): boolean;
  /** How to read the installer's log; undefined when `install` always omits it. */
  installer?: InstallerLog;
  /** What is known to fail in its installations. */
  failures?: readonly KnownFailure[];
  /** Folders of the installer's logs on the disk, and the partition they are on, if they say more than the console. */
  logs?(recipe: R): { partition: number; folders: readonly string[] };
  /** Mistakes in the rendered answer files that would stop the installer, or would not do what was meant. */
  lint?(recipe: R, rendered: readonly RenderedFile[]): readonly Finding[];
  /** Looks into the media that are there: what they lack for this recipe, in words for a person, without a secret in them. */
  check?(recipe: R, media: Media, read: (secret: SecretRef) => string): Promise<readonly string[]>;
  /** What an image must be like before it is published. */
  expects(recipe: R, rendered: readonly RenderedFile[]): Expectation;
  /** Properties of the Image service that its users need for this system: disk bus, network card, user, guest agent. */
  properties(recipe: R): Readonly<Record<string, string>>;
  /** Things to tell a person before starting. */
  notes(recipe: R): readonly string[];
};

/** Files of the user's by their digests. One without a digest has an unknown content, as a medium that is not downloaded. */
export function fileOf(digests: ReadonlyMap<string, string>): FileOf {
  return (file) => ({ file, sha256: digests.get(file) });
}

/** A medium as a command reads it: its content counts. */
export function mediumPiece(media: Media, role: string): Piece {
  return { file: media[role]?.path ?? '', sha256: media[role]?.sha256 };
}

/** A finding on one line, as editors know it: `Autounattend.xml:3:5: what is wrong`. */
export function findingText({ file, line, column, message }: Finding): string {
  return `${file}:${line}:${column}: ${message}`;
}
