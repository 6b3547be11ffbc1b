import type { z } from 'zod';
import type { DiskFormat } from '../images/disk-format.ts';
import type { Inspection } from '../images/inspect.ts';
import type { Published, World } from '../model.ts';
import type { Report } from '../recipe/paths.ts';
import type { Identity } from '../store/identity.ts';
import type { ExecOptions } from '../tools/exec.ts';
import type { ChannelPlace } from './channel-place.ts';
import type { Serial } from './serial.ts';

/**
 * A finished image on its way out. `size` is the file's size in bytes, `sha256` its digest in lower-case hex: empty when
 * it is not known.
 */
export type ImageToPublish = {
  path: string;
  name: string;
  format: DiskFormat;
  sha256: string;
  /** Its SHA-512, where the build has computed it. */
  sha512?: string | undefined;
  /** Reads the file for its SHA-256 when that is not known yet. A target that reads all of it anyway has no need to. */
  readSha256?: () => Promise<string>;
  size: number;
  /** The file as it was before its digest was read or looked up: another one must not go by that digest. */
  identity?: Identity;
  /** What was found in it. Of an image that vmkiln has made it is found when it is published; of a URL nothing is known. */
  inspection?: Inspection;
  /** It is unfit, and was taken all the same: it goes out as it is, under the name of the format that is asked for. */
  unfit?: boolean;
  /** Id of the build that made it. */
  build: string;
  /** Which publication is the newer one: an older one takes the place of none. */
  serial: Serial;
  /** It is to take the place of newer ones all the same. */
  rollback?: boolean;
  rehearsal: boolean;
  /** What goes with it: what is said of it, by the name that an index has it under. */
  documents?: readonly ImageDocument[];
  /** SHA-256 digests of the media that it was made from: of its base image, if it has one. */
  media?: readonly string[];
  /** What the image is for, in the recipe's words. */
  description?: string | undefined;
  /** What a cloud should know of the system in it: image properties of OpenStack. */
  properties?: Readonly<Record<string, string>>;
};

/** A text about an image: what is added to the image's name for its own, and its SHA-256 (lower-case hex). */
export type ImageDocument = { kind: string; suffix: string; text: string; sha256: string };

/** What a target may know of the world, and when it should stop. */
export type Looking = World & { signal: AbortSignal };

/** A program that a target starts: one of the known tools, or, by its absolute path, one of the user's. */
export type TargetCall = Omit<ExecOptions, 'signal' | 'log' | 'redact'>;

/** What a target may touch the world with. `exec` runs a program as tools/exec.ts does; `timeout` is in seconds. */
export type TargetContext = Looking & {
  /** What is going on, in words, and how much of it is done (0 to 1). */
  progress: (message: string, fraction?: number) => void;
  /** Something a person should know, although all is well. */
  note: (message: string) => void;
  /** Absolute path for a temporary file. */
  work: (file: string) => string;
  exec: (call: TargetCall) => Promise<{ stdout: string }>;
};

/**
 * A kind of place where images go: what it is, and what it does. `Spec` is what an entry of a recipe's `upload` list says,
 * validated, and `Place` what it says of one place: plain data, which a plan keeps as JSON. Relative paths that are left in
 * it count from the current folder.
 */
export type Target<Spec, Place extends Spec = Spec> = {
  /** Of its key in an entry of the list. */
  schema: z.ZodType<Spec>;
  /** Whether images stay on this host. What a rehearsal makes goes nowhere else. */
  isLocal(place: Spec): boolean;
  /** Makes paths absolute that count from the recipe's `folder`; reports what is not there, at a path within the spec. */
  resolve?(spec: Spec, folder: string, report: Report): Spec;
  /** The places that an entry names: each is published to on its own. */
  places(spec: Spec): Place[];
  /** What messages call a place. */
  nameOf(place: Place): string;
  /** The disk format that images have there, if it is said. */
  diskFormatOf?(place: Place): string | undefined;
  /**
   * Whether images can be published there, as far as it can be told beforehand. Changes nothing.
   *
   * @throws VmkilnError TARGET_FAILED.
   */
  check(place: Place, looking: Looking): Promise<void>;
  /** What `publish` would change there, in sentences. Changes nothing. */
  changes(image: ImageToPublish, place: Place, looking: Looking): Promise<string[]>;
  /**
   * Publishes an image. Idempotent: an image whose digest is there already stays as it is, but for its serial, which rises.
   * What has a higher serial stays as it is, and is seen by whoever looks.
   *
   * @throws VmkilnError TARGET_FAILED, DISK_FULL or INTERRUPTED.
   */
  publish(image: ImageToPublish, place: Place, context: TargetContext): Promise<Published>;
  /** What a publication takes the place of without asking, such as the path of a file: two builds must not do so at once. */
  occupies?(image: Pick<ImageToPublish, 'name' | 'format'>, place: Place, cwd: string): string;
  /** The channels that images are promoted to there, if it has any. @throws VmkilnError */
  channels?(place: Place, context: Looking & { progress: (message: string) => void }): Promise<ChannelPlace>;
  /** What `in` of a recipe's `source` calls the place of these channels; undefined when nothing surely does. Pure. */
  channelPlace?(place: Place, world: World): string | undefined;
  /** Removes what the publication of a build that is gone has left half made. */
  clean?(place: Place, build: string, cwd: string): Promise<void>;
};
