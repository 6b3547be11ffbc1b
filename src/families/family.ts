import type { Arg, Piece, RenderedFile } from '../model.ts';
import type { Recipe } from '../recipe/schema.ts';

/** Arguments a family adds to a stage's command, and the top-level recipe keys they come from. */
export type Contribution = { args: readonly Arg[]; keys: readonly (keyof Recipe)[] };

/** A line of the installer's log that says where the installation stands. `fraction` is of the whole, 0 to 1. */
export type InstallerPhase = { match: RegExp; phase: string; fraction: number };

/**
 * All that differs per operating system: data in, data out. Nothing here touches the world, except that
 * `render` reads template files.
 */
export type Family = {
  /** osinfo short ids for this recipe, best first, then older releases to fall back to. */
  osinfo(recipe: Recipe): readonly string[];
  /** Answer files, guest scripts and configuration, with holes where secrets belong. */
  render(recipe: Recipe): readonly RenderedFile[];
  /** virt-install arguments: media, injected answer file, kernel arguments (the host's after the recipe's), firmware. */
  install(recipe: Recipe, media: { iso: Piece; kernelArguments: Piece }): Contribution;
  /** virt-customize arguments, in order: built-in edits, packages, then the user's own steps. */
  customize(recipe: Recipe): Contribution;
  /**
   * Whether customize holds the built-in edits alone. They come out the same on a guest that virt-sysprep has cleaned,
   * and are given to it: one launch of the appliance less.
   */
  editsOnly(recipe: Recipe): boolean;
  /** Seconds for which the updates that customize installs are new enough: no fingerprint sees them. Undefined without updates. */
  maxAge(recipe: Recipe): number | undefined;
  /** virt-sysprep arguments: the explicit operations and the last edits. */
  sysprep(recipe: Recipe): Contribution;
  /** Whether sysprep's last edit trims all that the disk has, so that virt-sparsify would free nothing more. */
  trims(rendered: readonly RenderedFile[]): boolean;
  /** How to read the installer's log. */
  installer: {
    phases: readonly InstallerPhase[];
    /** Lines after which the installation cannot succeed. */
    fatal: readonly RegExp[];
    /** The line after which the guest powers off. */
    finished: RegExp;
    /** A line that names, in its first group, something of the answer file that was not acted on. */
    remark: RegExp;
  };
  /** Things to tell a person before starting. */
  notes(recipe: Recipe): readonly string[];
};
