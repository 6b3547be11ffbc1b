/** The types every part of vmkiln speaks. This file imports nothing from the project. */

/** The name of a stage; pipeline/stages.ts lists them in order. */
export type StageName = string;

/**
 * A piece of a command-line word. The kind says how it counts in a fingerprint and when its value is known:
 * - a string is hashed as written;
 * - `file` is a path that the command reads, hashed by content (`sha256`, lower-case hex; undefined until downloaded);
 * - `rendered` is a file of the plan's `rendered` list, hashed by its text, written into the build's folder before use;
 * - `work` is a path inside the build's work folder, hashed symbolically;
 * - `layer` is the qcow2 an earlier stage left, hashed symbolically (its fingerprint is already in the chain);
 * - `build` is a name that derives from the build id, not hashed;
 * - `host` depends on the host alone (memory, bridge, accelerator, connection), not hashed; where the host has only the
 *   nearest thing to what the recipe wants, `wanted` is that, and hashed;
 * - `sure` tells a program what it would otherwise have to guess of a file that vmkiln made: it changes nothing that comes
 *   out, so not even its place is hashed.
 */
export type Piece =
  | string
  | { file: string; sha256: string | undefined }
  | { rendered: string }
  | { work: string }
  | { layer: StageName }
  | { build: 'domain' }
  | { host: string; wanted?: string }
  | { sure: string };

/** One word of a command line: a piece, or pieces written without a space between them. */
export type Arg = Piece | readonly Piece[];

/**
 * A program to run. `timeout` is in seconds. `env` carries host settings only and is never hashed. `secretFile` is the file of
 * the work folder that it makes of rendered files with their holes filled: it is 0600 from its first byte, and goes with them.
 */
export type Command = {
  program: string;
  args: readonly Arg[];
  timeout: number;
  env?: Readonly<Record<string, string>>;
  secretFile?: string;
};

/** A secret by reference: the value is read just before use and never stored in a plan. */
export type SecretRef = { env: string } | { file: string };

/** How a secret is written into the file that needs it. */
export type SecretEncoding = 'shell' | 'xml' | 'plain';

/**
 * A file rendered from a template. Where a secret belongs, `text` holds a hole (see answers/holes.ts);
 * holes are filled only in the copy inside the work folder, which is 0600. `inGuest` is true when the
 * secret stays in the image, and then counts in the fingerprint by a keyed hash.
 */
export type RenderedFile = {
  name: string;
  text: string;
  holes: readonly { name: string; secret: SecretRef; encoding: SecretEncoding; inGuest: boolean }[];
};

/** How a domain reaches the network: a libvirt network, a bridge, or QEMU's user-mode stack. */
export type HostNetwork = { kind: 'network' | 'bridge'; name: string } | { kind: 'user' };

/** What a recipe wants of its machine that not every host can give. */
export type MachineNeeds = { uefi: boolean; secureBoot: boolean; tpm: boolean };

/** Environment variables. */
export type Env = Readonly<Record<string, string | undefined>>;

/**
 * What vmkiln takes of the process that it is part of: its environment, the folder that relative paths begin in, and the recipe
 * that was on its standard input, which `-` names.
 */
export type World = { env: Env; cwd: string; stdin?: string };

/** What libguestfs's programs have to know of a host. */
export type ApplianceHost = Pick<Host, 'accelerator' | 'appliance'>;

/** What this host can do, as probed. Sizes are in bytes. */
export type Host = {
  arch: string;
  accelerator: 'kvm' | 'tcg';
  /** Why the accelerator was chosen, in words for a person. */
  acceleratorReason: string;
  /** libvirt connection URI, as `virsh --connect` takes it. */
  connect: string;
  network: HostNetwork;
  /** Short ids that the host's osinfo-db knows ("rhel7.9"). */
  osinfo: readonly string[];
  cores: number;
  memory: number;
  /** libguestfs's appliance: bytes of its memory, and the folder that it is kept in. */
  appliance: { memory: number; cacheDir: string };
  versions: Readonly<Record<'qemu' | 'libvirt' | 'virt-install' | 'guestfs-tools' | 'kernel', string>>;
};

/**
 * What a ready image holds. `virtualSize` is in bytes; `root` is its last partition, when its file system can be grown.
 */
export type ReadyImage = {
  virtualSize: number;
  root?: { table: 'gpt' | 'mbr'; number: number; filesystem: 'xfs' | 'ext' };
};

/**
 * A file the build reads. `sha256` (lower-case hex) and `size` (bytes) are unknown until it is downloaded, and so is what
 * a ready image holds.
 */
export type MediaFile = {
  source: string;
  path: string;
  sha256: string | undefined;
  size: number | undefined;
  image?: ReadyImage;
};

/** The media of a recipe by role, e.g. `iso`. */
export type Media = Readonly<Record<string, MediaFile>>;

export type Forecast = 'run' | 'reuse' | 'skip';

/**
 * How to read an installer's log. Plain data, for a plan is kept as JSON: every pattern is the source of a regular expression
 * without flags, which matches anywhere in a line.
 */
export type InstallerLog = {
  /**
   * Lines that say where the installation stands, in their order. `$1` in a phase is the first group of its match. `fraction` is
   * of the whole, 0 to 1; a phase that takes longer than `limit` seconds hangs, however busy the guest is.
   */
  phases: readonly { match: string; phase: string; fraction: number; limit?: number }[];
  /** Seconds that the guest may be silent, and read and write nothing, before the first phase: it hangs if it is longer. */
  bootSilence?: number;
  /** Lines after which the installation cannot succeed. */
  fatal: readonly string[];
  /** The line after which the guest powers off; left out by a system that says nothing then. */
  finished?: string;
  /** A line that names, in its first group, something of the answer file that was not acted on. */
  remark?: string;
};

/** What running a stage is likely to take: wall time, and bytes that it adds to the disk. */
export type Prediction = { seconds: number; bytes: number };

/** A stage that a build expects to run, and the wall time in seconds that it took in earlier builds, if that is known. */
export type Ahead = { stage: StageName; seconds?: number };

/** What a stage takes of the host while it runs: bytes of memory, busy cores, bytes that it may write. */
export type Weight = { memory: number; cores: number; disk: number };

/** One stage of a plan. `fingerprint` is undefined while it depends on media that are not downloaded yet. */
export type StagePlan = {
  stage: StageName;
  forecast: Forecast;
  /** Why the forecast is what it is, in words for a person. */
  because: string;
  /** `--from` or `--no-cache` wants it run even if its result is in the store. */
  fresh: boolean;
  /** What it takes when it runs, going by earlier builds; absent when nothing is known. */
  predicted?: Prediction;
  fingerprint: string | undefined;
  /** The recipe gives this stage nothing to do: it is never run, whatever the store holds. */
  omitted?: true;
  weight: Weight;
  /** What its run needs besides the commands: plain data that its stage alone understands. */
  settings?: unknown;
  /** The file outside of the store that the result has as its backing file. */
  base?: string;
  /** Seconds after which a result with updates in it is too old to be reused: its stage or an earlier one installs them. */
  maxAge?: number;
  /** The recipe keys and files this stage depends on, each with a hash of its value: they name the reason of a change. */
  parts: readonly { from: string; hash: string }[];
  commands: readonly Command[];
};

/** Everything a build will do, as plain data: all that its run needs. `R` is the validated recipe. */
export type Plan<R = unknown> = {
  /** Of this form; docs/formats.md. */
  version: 2;
  /** The version of vmkiln that made it. */
  vmkiln: string;
  /** Name of the image: the recipe's, or NAME-rehearsal. */
  name: string;
  rehearsal: boolean;
  /** Absolute path of the recipe, and the SHA-256 of its text. */
  recipeFile: { path: string; sha256: string };
  recipe: R;
  host: Host;
  media: Media;
  rendered: readonly RenderedFile[];
  /** Keyed hashes of the secrets that stay in the guest, by name: they tell whether one has changed, and nothing of it. */
  macs: Readonly<Record<string, string>>;
  stages: readonly StagePlan[];
  /** Things a person should know before starting: fallbacks, slow paths, relabelling at first boot. */
  notes: readonly string[];
};

/**
 * What a target published. `size` is in bytes. `name` is that of the place as the recipe has it, such as the cloud: with
 * `target` it tells which of the targets are done.
 */
export type Published = {
  target: string;
  name?: string;
  location: string;
  sha256: string;
  size: number;
  unchanged: boolean;
  /** Id of the build whose image is there instead, which has made the same publication before. `sha256` and `size` are those of its image. */
  already?: string;
};

/**
 * Why a build failed, as the catalogue of known failures names it: a sentence, what helps, and its evidence, the line `line`
 * (from 1) of `file`, a path in the build's folder.
 */
export type Explanation = { id: string; cause: string; remedy?: string; file: string; line: number };

/**
 * What happened in a build; `type` discriminates, and every consumer handles every type. Seconds are wall time; `bytes`
 * is what a stage added to the disk. Fields that may be absent are so in the logs of older builds at least.
 */
export type EventBody =
  | {
      type: 'build-started';
      name: string;
      recipe: string;
      rehearsal: boolean;
      folder: string;
      family?: string;
      accelerator?: Host['accelerator'];
      ahead?: readonly Ahead[];
      /** Of its publication, if that is not the end of the build's id. */
      serial?: string;
    }
  | { type: 'stage-started'; stage: StageName; because: string; predicted?: Prediction }
  | { type: 'stage-finished'; stage: StageName; seconds: number; bytes?: number }
  | { type: 'stage-reused'; stage: StageName; because: string }
  | { type: 'stage-skipped'; stage: StageName; because: string }
  | { type: 'command-started'; stage: StageName; argv: readonly string[]; log: string; control: boolean }
  | { type: 'command-finished'; stage: StageName; program: string; exitCode: number | undefined; seconds: number }
  | { type: 'progress'; stage: StageName | 'prepare'; message: string; fraction?: number }
  | { type: 'warning'; stage?: StageName; message: string; hint?: string }
  | { type: 'difference'; since: string; summary: string; file: string }
  | ({ type: 'published' } & Published)
  | {
      type: 'failed';
      stage?: StageName;
      code: string;
      message: string;
      hint?: string;
      bundle?: string;
      explanation?: Explanation;
    }
  | { type: 'build-finished'; seconds: number };

/**
 * How an image differs from that of the last build that was published, `since`: in a sentence, and in `file`, a path in the build's
 * folder.
 */
export type ImageDifference = Omit<Extract<EventBody, { type: 'difference' }>, 'type'>;

/** An event as stored in events.ndjson and printed by `--ui json`. `at` is ISO 8601 in UTC. */
export type Event = { at: string; build: string } & EventBody;

/** Receives every event of a build. Must not throw. */
export type Emit = (event: EventBody) => void;
