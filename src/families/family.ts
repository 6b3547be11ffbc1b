import type { Arg, Command, Host, MachineNeeds, Media, Piece, RenderedFile, SecretRef } from '../model.ts';
import type { Recipe, RecipeKey } from './recipe.ts';
import type { InstallDevices } from '../tools/virt-install.ts';

/** Arguments a family adds to a stage's command, and the top-level recipe keys they come from. */
export type Contribution = { args: readonly Arg[]; keys: readonly RecipeKey[] };

/** How an installer is started: what is made before it (answer media), its devices, and its virt-install arguments. */
export type Installation = Contribution & { before: readonly Command[]; devices: InstallDevices };

/** A mistake in a rendered file; `line` and `column` count from 1. A warning does not stop a build. */
export type Finding = { file: string; line: number; column: number; level: 'error' | 'warning'; message: string };

/** Why a stage has nothing to do, in words for a person. */
export type Omitted = { omitted: string };

/**
 * A line of the installer's log that says where the installation stands. `fraction` is of the whole, 0 to 1;
 * a phase that takes longer than `limit` seconds hangs, however busy the guest is.
 */
export type InstallerPhase = { match: RegExp; phase: string; fraction: number; limit?: number };

/**
 * All that differs per operating system: data in, data out. Nothing here touches the world, except that
 * `render` reads template files.
 */
export type Family<R extends Recipe = Recipe> = {
  /** osinfo short ids for this recipe, best first, then older releases to fall back to. */
  osinfo(recipe: R): readonly string[];
  /** Answer files, guest scripts and configuration, with holes where secrets belong. */
  render(recipe: R): readonly RenderedFile[];
  /** What the machine of an installation needs of the host. */
  machine(recipe: R): MachineNeeds;
  /** How the installer is started from the media, and all it needs of the machine. */
  install(recipe: R, media: Media, host: Host): Installation;
  /**
   * virt-customize arguments for what may take long and need the network: registration, updates, packages. Its result is
   * kept, so that a change of anything else does not do it again. Everything that virt-sysprep cannot be given, too.
   */
  customize(recipe: R): Contribution | Omitted;
  /** Seconds for which the updates that customize installs are new enough: no fingerprint sees them. Undefined without updates. */
  maxAge(recipe: R): number | undefined;
  /**
   * virt-sysprep arguments, in order: built-in edits, the user's own steps, the explicit operations, the last edits.
   * virt-sysprep runs its operations before all edits.
   */
  sysprep(recipe: R): Contribution | Omitted;
  /** Whether sysprep's last edit trims all that the disk has, so that virt-sparsify would free nothing more. */
  trims(rendered: readonly RenderedFile[]): boolean;
  /** How to read the installer's log. */
  installer: {
    phases: readonly InstallerPhase[];
    /** Seconds that the guest may be silent, and read and write nothing, before the first phase: it hangs if it is longer. */
    bootSilence?: number;
    /** Lines after which the installation cannot succeed. */
    fatal: readonly RegExp[];
    /** The line after which the guest powers off. */
    finished: RegExp;
    /** A line that names, in its first group, something of the answer file that was not acted on. */
    remark: RegExp;
  };
  /** Folders of the installer's logs on the disk, and the partition they are on, if they say more than the console. */
  logs?(recipe: R): { partition: number; folders: readonly string[] };
  /** Mistakes in the rendered answer files that would stop the installer, or would not do what was meant. */
  lint?(recipe: R, rendered: readonly RenderedFile[]): readonly Finding[];
  /** The program that knows an answer file's own syntax, and its arguments before the file. It is asked where it is installed. */
  validator?(recipe: R): { file: string; program: string; args: readonly string[] };
  /** Looks into the media that are there: what they lack for this recipe, in words for a person, without a secret in them. */
  check?(recipe: R, media: Media, read: (secret: SecretRef) => string): Promise<readonly string[]>;
  /** Properties of the Image service that its users need for this system: disk bus, network card, user, guest agent. */
  properties(recipe: R): Readonly<Record<string, string>>;
  /** Things to tell a person before starting. */
  notes(recipe: R): readonly string[];
};

/** A medium as a command reads it: its content counts. */
export function mediumPiece(media: Media, role: string): Piece {
  return { file: media[role]?.path ?? '', sha256: media[role]?.sha256 };
}

/** A finding on one line, as editors know it: `Autounattend.xml:3:5: what is wrong`. */
export function findingText({ file, line, column, message }: Finding): string {
  return `${file}:${line}:${column}: ${message}`;
}
