import { createHash } from 'node:crypto';
import { access, chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { VmkilnError } from '../errors.ts';
import { practiceHint } from '../host/checks/tools.ts';
import type { World } from '../model.ts';
import { followMmdebstrap } from './mmdebstrap.ts';

/** One program to start. `timeout` is in seconds. */
interface PracticeCommand {
  program: string;
  args: string[];
  timeout: number;
  env?: Record<string, string>;
  cwd?: string;
  /** Called with each line that it prints. */
  onLine?: (line: string) => void;
}

/** Starts a program and waits for it; rejects when it fails, runs out of time or is aborted. */
export type Run = (command: PracticeCommand) => Promise<{ stdout: string }>;

/** A distribution that is made like RHEL, by its folder in rehearsal/rhel/distributions, and its release. */
export type Dress = { distribution: string; release: string };

export interface PracticeDvdOptions {
  /** What the DVD looks like; RHEL when left out. */
  dress?: Dress | undefined;
  /** Folder of the caches; the DVD appears under `practice/` in it. */
  cacheDir: string;
  /** Folder for what is half made, on the filesystem of `cacheDir`. */
  workDir: string;
  run: Run;
  /** Where the programs are looked for that it needs. */
  world: World;
  /** Whether a missing DVD may be built (default true); `vmkiln plan` never builds. */
  make?: boolean;
  /** `fraction` is 0 to 1. */
  progress?: (message: string, fraction?: number) => void;
  signal: AbortSignal;
}

/** What the payload is made of: editing anything else does not rebuild it. */
const payloadFiles = ['payload.sh', 'payload-hook.sh', 'payload.packages', 'payload.modules'];

/** How much of the time the payload takes, of 1. */
const payloadShare = 0.94;

/** The folder of the assets, the same from src/ and from dist/. */
function assetsFolder(): string {
  return path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../src/rehearsal/rhel');
}

/** The release folder that serves a release label: "7.9" and "7" are both `7`. */
export function releaseFolder(release: string): string {
  return path.join(assetsFolder(), release.split('.')[0] ?? release);
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && !entry.parentPath.includes('__pycache__'))
    .map((entry) => path.join(entry.parentPath, entry.name))
    .toSorted();
}

/**
 * A sha256 over files (their relative names, modes and contents) and words. It does not depend on time or on where the files lie.
 */
export async function contentDigest(base: string, files: string[], words: string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const word of words) hash.update(`word ${word}\0`);
  for (const file of files.toSorted()) {
    const executable = ((await stat(file)).mode & 0o100) !== 0;
    hash.update(`file ${path.relative(base, file)} ${executable ? 'x' : '-'}\0`);
    hash.update(
      createHash('sha256')
        .update(await readFile(file))
        .digest(),
    );
  }
  return hash.digest('hex');
}

/** The digests of a release's payload and DVD: the names under which they are cached. */
export async function practiceDigests(release: string, dress?: Dress): Promise<{ payload: string; dvd: string }> {
  const assets = assetsFolder();
  const folder = releaseFolder(release);
  const known = await exists(path.join(folder, 'release.env'));
  if (!known) {
    const folders = (await readdir(assets)).filter((name) => /^\d+$/.test(name));
    const releases = folders.toSorted((one, other) => Number(one) - Number(other)).join(', ');
    throw new VmkilnError('MEDIA_MISSING', `there is no practice DVD for RHEL ${release}`, {
      hint: `practice DVDs exist for RHEL ${releases}: use one of these releases, or real media (--set iso=…)`,
    });
  }
  const suite = /^suite=(\w+)$/m.exec(await readFile(path.join(folder, 'release.env'), 'utf8'))?.[1] ?? '';
  const payload = await contentDigest(
    assets,
    payloadFiles.map((name) => path.join(assets, name)),
    [suite],
  );
  const own = [folder, path.join(assets, 'distributions', dress?.distribution ?? 'rhel')];
  const others = (await filesBelow(assets)).filter(
    (file) =>
      !/^(\d+|distributions)\//.test(path.relative(assets, file)) || own.some((each) => file.startsWith(`${each}/`)),
  );
  const words = [payload, path.basename(folder), ...(dress ? [dress.distribution, dress.release] : [])];
  return { payload, dvd: await contentDigest(assets, others, words) };
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

/**
 * The practice DVD of a RHEL release, or of what is made like it, built on first use and then found in the cache by its content.
 * The payload (a small Debian root file system) is cached apart, so that editing the installer does not rebuild it.
 * Everything is made in `workDir` and appears by rename. With `make: false` the path is only where it will be.
 *
 * @throws VmkilnError MEDIA_MISSING when there is no DVD for the release, COMMAND_FAILED when building fails.
 */
export async function practiceDvd(
  release: string,
  options: PracticeDvdOptions,
): Promise<{ path: string; digest: string }> {
  const { dress, run, world, signal, progress = () => undefined } = options;
  const digests = await practiceDigests(release, dress);
  const home = path.join(options.cacheDir, 'practice');
  const named = dress ?? { distribution: 'rhel', release };
  const iso = path.join(home, `${named.distribution}-${named.release}-${digests.dvd.slice(0, 12)}.iso`);
  if (await exists(iso)) return { path: iso, digest: digests.dvd };
  if (options.make === false) return { path: iso, digest: digests.dvd };

  await mkdir(home, { recursive: true });
  const work = await mkdtemp(path.join(options.workDir, 'practice-'));
  const assets = assetsFolder();
  try {
    const payload = path.join(home, `payload-${digests.payload.slice(0, 12)}`);
    if (!(await exists(payload))) {
      progress('practice DVD: building the payload from Debian packages (some minutes, once)', 0);
      const made = path.join(work, 'payload');
      await mkdir(made);
      const suite =
        /^suite=(\w+)$/m.exec(await readFile(path.join(releaseFolder(release), 'release.env'), 'utf8'))?.[1] ??
        'bookworm';
      const { onLine, close } = followMmdebstrap((message, fraction) =>
        progress(`practice DVD: ${message}`, fraction * payloadShare),
      );
      const program = path.join(assets, 'payload.sh');
      await run({ program, args: [made, suite], timeout: 1800, onLine }).finally(close);
      signal.throwIfAborted();
      await rename(made, payload).catch(async (error: unknown) => {
        // Another build was quicker: its payload is the same.
        if (!(await exists(payload))) throw error;
      });
    }
    const steps = [
      ['packages', 'making the RPMs'],
      ['boot', 'making the initial RAM disk'],
      ['iso', 'writing the ISO'],
    ] as const;
    for (const [index, [step, words]] of steps.entries()) {
      signal.throwIfAborted();
      progress(`practice DVD: ${words}`, payloadShare + index * 0.02);
      await run({
        program: path.join(assets, 'media.sh'),
        args: [step, releaseFolder(release), payload, work, ...(dress ? [dress.distribution, dress.release] : [])],
        timeout: 600,
      });
    }
    signal.throwIfAborted();
    // libvirt runs QEMU as another user.
    await chmod(path.join(work, 'practice.iso'), 0o644);
    await rename(path.join(work, 'practice.iso'), iso);
    progress('practice DVD: ready', 1);
    return { path: iso, digest: digests.dvd };
  } catch (error) {
    if (signal.aborted) throw error;
    throw new VmkilnError('COMMAND_FAILED', `the practice DVD for RHEL ${release} could not be built`, {
      hint: await practiceHint(world),
      cause: error,
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
