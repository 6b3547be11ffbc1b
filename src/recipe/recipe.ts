import type { z } from 'zod';
import type { Describe } from './describe.ts';
import type { hooks } from './hooks.ts';
import type { Verify } from './verify.ts';

/** An entry of the `upload` list: the key of a target, and what that target alone understands. */
export type UploadEntry = { readonly [target: string]: unknown };

/**
 * A validated recipe, with every default filled in, as far as all recipes have the same keys: the others are known to its
 * family alone. Sizes are in bytes, durations in seconds.
 */
export type Recipe = {
  name: string;
  description?: string | undefined;
  /** The family of operating systems, as the registry of families calls it. */
  family: string;
  release: string;
  /** Where the media and their checksums are, by the keys that the family gives them. */
  source: Readonly<Record<string, string | readonly string[] | undefined>>;
  disk: { size?: number | undefined };
  /** The machine of an installation, where the family has one. */
  machine?: { memory: number; vcpus: number; firmware: 'bios' | 'uefi' };
  /** How an installer is driven, where the family has one. */
  install?: { timeout: number; stallTimeout: number; variables: Readonly<Record<string, string>> };
  /** How a finished image is checked before it is published; undefined when it is not. */
  verify?: Verify | undefined;
  /** How a finished image is described; undefined when it is not. */
  describe?: Describe | undefined;
  output: { format: 'qcow2' | 'raw'; compression: 'zlib' | 'zstd' | 'none' };
  upload: readonly UploadEntry[];
  hooks: z.output<typeof hooks>;
};
