import type { Identity } from '../media/hash.ts';
import type { Published } from '../model.ts';

/**
 * A finished image on its way out. `size` is the file's size in bytes, `sha256` its digest in lower-case hex: empty when
 * it is not known.
 */
export type ImageToPublish = {
  path: string;
  name: string;
  format: 'qcow2' | 'raw';
  sha256: string;
  /** Reads the file for its SHA-256 when that is not known yet. A target that reads all of it anyway has no need to. */
  readSha256?: () => Promise<string>;
  size: number;
  /** The file as it was before its digest was read or looked up: another one must not go by that digest. */
  identity?: Identity;
  /** Id of the build that made it. */
  build: string;
  rehearsal: boolean;
  /** What the image is for, in the recipe's words. */
  description?: string | undefined;
  /** What a cloud should know of the system in it: image properties of OpenStack. */
  properties?: Readonly<Record<string, string>>;
};

/** What a target may touch the world with. `exec` runs a program as tools/exec.ts does; `timeout` is in seconds. */
export type TargetContext = {
  signal: AbortSignal;
  /** What is going on, in words, and how much of it is done (0 to 1). */
  progress: (message: string, fraction?: number) => void;
  /** Something a person should know, although all is well. */
  note: (message: string) => void;
  /** Absolute path for a temporary file. */
  work: (file: string) => string;
  exec: (command: { program: string; args: readonly string[]; timeout: number }) => Promise<unknown>;
};

/** A place where images go. `Spec` is what a recipe says about it. */
export type Target<Spec> = {
  /**
   * Whether images can be published there, as far as it can be told beforehand. Changes nothing.
   *
   * @throws VmkilnError TARGET_FAILED.
   */
  check(spec: Spec): Promise<void>;
  /** What `publish` would change there, in sentences. Changes nothing. */
  changes(image: ImageToPublish, spec: Spec): Promise<string[]>;
  /**
   * Publishes an image. Idempotent: an image whose digest is there already stays as it is.
   *
   * @throws VmkilnError TARGET_FAILED, DISK_FULL or INTERRUPTED.
   */
  publish(image: ImageToPublish, spec: Spec, context: TargetContext): Promise<Published>;
};
