import { mkdir, readdir, rename, stat } from 'node:fs/promises';
import { basename, extname, join, resolve } from 'node:path';
import { VmkilnError } from '../errors.ts';
import type { ApplianceHost } from '../model.ts';
import { makeBeside } from '../store/beside.ts';
import { exec, type ExecOptions } from '../tools/exec.ts';
import { virtGetKernel } from '../tools/inspector.ts';
import { compareImages, convertProgress, imageOptions, writeImage } from '../tools/qemu-img.ts';
import { runAppliance } from './appliance.ts';
import { detect, detectInside } from './detect.ts';
import { type DiskFormat, wayTo } from './disk-format.ts';
import { withImage } from './file.ts';
import type { ImageFile } from './file.ts';
import { withFitImage } from './gate.ts';
import type { Inspection } from './inspect.ts';
import { biosBoot, efiSystem } from './partition-table.ts';
import type { OutputFormat } from './output-format.ts';

export type ConvertOptions = {
  /** Path of the result. For `ami` the kernel and the RAM disk go beside it, as `.aki` and `.ari`. */
  out: string;
  replace: boolean;
  /** Follow files that the image names: backing and data files, extents, parents. */
  allowExternal: boolean;
  /** Take an image that is unfit: what can be read of it. */
  allowUnfit: boolean;
  /** Compare the contents when it is done. */
  check: boolean;
  signal: AbortSignal;
  /** What the image is known to be: its name was looked at before. */
  is?: DiskFormat;
  /** For `ami`: what the appliance has to know. */
  host?: () => Promise<ApplianceHost>;
  /** Starts qemu-img, if not as `exec` does. */
  run?: (call: ExecOptions) => Promise<unknown>;
  progress: (message: string, fraction: number) => void;
};

/** A file that was made. Sizes are in bytes; `allocated` is what it takes on the disk. */
export type Converted = { file: string; format: string; virtualSize?: number; fileSize: number; allocated: number };

/**
 * Converts an image by qemu-img, which is told its format. What it makes appears whole or not at all, and is looked at
 * before: it has to be of the wanted format and no other.
 *
 * @throws VmkilnError IMAGE_UNFIT, USAGE, INPUT_CHANGED, DISK_FULL, COMMAND_FAILED, COMMAND_TIMEOUT, INTERRUPTED.
 */
export async function convertFile(image: string, output: OutputFormat, options: ConvertOptions): Promise<Converted[]> {
  const { signal, allowExternal, allowUnfit, is } = options;
  const paths = output.format === 'ami' ? amiPaths(options.out) : [resolve(options.out)];
  const original = await stat(image).catch(() => undefined);
  for (const path of paths) {
    const there = await stat(path).catch(() => undefined);
    if (there && there.ino === original?.ino && there.dev === original.dev) {
      throw new VmkilnError('USAGE', `${path} is the image itself`, { hint: 'choose another file with --out' });
    }
  }
  const wanted = [output.format === 'ami' ? 'raw' : output.format];
  const terms = { wanted, allowExternal, allowUnfit, remade: true, ...(is && { is, anyName: true }) };
  return makeBeside(paths, options.replace, (folder) =>
    // Within, so that nothing is made of an image that has changed meanwhile.
    withFitImage(image, terms, { signal }, async (file, found) => {
      const names = paths.map((path) => join(folder, basename(path)));
      const [result = ''] = names;
      const root = output.format === 'ami' ? rootRange(image, found) : undefined;
      if (output.format === 'ami') await extractKernel(file, found, folder, names, options);
      // Other files are found from where the image lies; without them, nothing else can take its place.
      const path = allowExternal ? file.path : file.open;
      const format = wayTo('raw', found.format) ? found.format : 'raw';
      const from = imageOptions(path, format, { ...(root && { range: root }), backing: allowExternal });
      const size = root?.size ?? found.virtualSize ?? file.size;
      await convertOne({ from, size }, result, output, options);
      return Promise.all(names.map((name, index) => describe(name, paths[index] ?? '', output.format)));
    }),
  );
}

/** Where `convert` writes when nobody says: beside the image, with the name of the format. */
export function defaultOut(image: string, output: OutputFormat): string {
  const extension = extname(image);
  const base = extension === '' ? image : image.slice(0, -extension.length);
  return `${base}.${output.format}`;
}

async function convertOne(
  { from, size }: { from: string; size: number },
  to: string,
  output: OutputFormat,
  options: ConvertOptions,
): Promise<void> {
  const { signal, progress } = options;
  const follow = (message: string) => (line: string) => {
    const fraction = convertProgress(line);
    if (fraction !== undefined) progress(message, fraction);
  };
  const making = writeImage(from, to, output, size);
  await (options.run ?? exec)({ ...making, signal, onLine: follow('converting') });
  await withImage(to, async ({ source }) => {
    const { format, findings } = detect(source);
    // What a raw disk holds may be anything but a format that names other files.
    const fits =
      output.format === 'raw' || output.format === 'ami'
        ? !detectInside(source, source.size).findings.some(({ code }) => code === 'nested')
        : format === output.format;
    if (!fits || findings.some(({ code }) => code === 'several-formats')) {
      throw new VmkilnError('IMAGE_UNFIT', `the result would be taken for ${format}, not for ${output.format}`, {
        hint: 'the disk begins with the header of another image format: do not use it',
      });
    }
    const cutShort = findings.find(({ code }) => code === 'truncated');
    if (cutShort) {
      throw new VmkilnError('COMMAND_FAILED', `what qemu-img made is not whole: ${cutShort.message}`, {
        hint: 'is there enough room on the disk? Then convert it again',
      });
    }
  });
  if (!options.check) return;
  const { exitCode } = await exec({
    ...compareImages(from, imageOptions(to, output.format), size),
    accept: [1],
    signal,
    onLine: follow('comparing'),
  });
  if (exitCode === 1) {
    throw new VmkilnError('COMMAND_FAILED', 'the contents of the two images differ', {
      hint: 'was the image in use? Shut the guest down and convert it again',
    });
  }
}

async function describe(made: string, file: string, wanted: string): Promise<Converted> {
  return withImage(made, async ({ source, size, allocated }) => {
    const { virtualSize } = detect(source);
    // Of the three files of an ami, each has its format as its extension.
    const format = wanted === 'ami' ? extname(file).slice(1) : wanted;
    return { file, format, ...(virtualSize !== undefined && { virtualSize }), fileSize: size, allocated };
  });
}

function amiPaths(out: string): string[] {
  const base = resolve(out).replace(/\.ami$/, '');
  return ['ami', 'aki', 'ari'].map((extension) => `${base}.${extension}`);
}

/** Partitions without a system on them. */
const besides: readonly string[] = [efiSystem, biosBoot, 'Linux swap', 'PReP boot', 'Microsoft reserved'];

/** The one partition an Amazon machine image is made of; undefined when the whole disk is one filesystem. */
function rootRange(image: string, { table }: Inspection): { start: number; size: number } | undefined {
  if (!table) return undefined;
  const systems = table.partitions.filter(({ type }) => !besides.includes(type));
  const [root] = systems;
  if (systems.length !== 1 || root === undefined || !root.type.startsWith('Linux') || root.type === 'Linux LVM') {
    const list = systems.map(({ number, type }) => `${number} (${type})`).join(', ');
    throw new VmkilnError(
      'IMAGE_UNFIT',
      `${image} does not have one Linux partition for an ami, but ${list || 'none'}`,
      {
        hint: 'an ami is one filesystem with everything in it: no LVM, and no /boot of its own',
      },
    );
  }
  return { start: root.start, size: root.size };
}

/** Puts kernel and RAM disk of the guest where the names after the first say. */
async function extractKernel(
  file: ImageFile,
  { format }: Inspection,
  folder: string,
  [, kernel = '', ramdisk = '']: readonly string[],
  { signal, host, allowExternal, progress }: ConvertOptions,
): Promise<void> {
  if (host === undefined) throw new Error('an appliance is started by those alone who know the host');
  progress('extracting kernel and RAM disk', 0);
  const taken = join(folder, 'boot');
  await mkdir(taken);
  const appliance = await host();
  const image = { path: allowExternal ? file.path : file.open, format, backing: allowExternal };
  await runAppliance(image, (overlay) => virtGetKernel(overlay, taken, appliance), signal);
  const names = await readdir(taken);
  const find = (pattern: RegExp) => names.find((name) => pattern.test(name));
  const [vmlinuz, initrd] = [find(/^vmlinu/), find(/^init/)];
  if (vmlinuz === undefined || initrd === undefined) {
    throw new VmkilnError('IMAGE_UNFIT', 'no kernel with its initial RAM disk was found in the image', {
      hint: 'an ami needs both: install a kernel in the guest first',
    });
  }
  await rename(join(taken, vmlinuz), kernel);
  await rename(join(taken, initrd), ramdisk);
}
