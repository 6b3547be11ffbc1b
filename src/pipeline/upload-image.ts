import { tmpdir } from 'node:os';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { readBeside } from '../describe/beside.ts';
import type { Documents } from '../describe/names.ts';
import { VmkilnError } from '../errors.ts';
import { probeAppliance } from '../host/probe.ts';
import { type DiskFormat, diskFormatOf } from '../images/disk-format.ts';
import { refusalOf, withFitImage } from '../images/gate.ts';
import { printable } from '../images/text.ts';
import { findHash, hashFile } from '../media/hash.ts';
import { redactUrl } from '../media/http.ts';
import type { Published, World } from '../model.ts';
import type { IndexEntry } from '../targets/directory/index-file.ts';
import { allEntries } from '../targets/directory/keep.ts';
import { diskFormats } from '../targets/glance/words.ts';
import { openTarget, type PlannedTarget } from '../targets/index.ts';
import { publishAll } from '../targets/publish.ts';
import { noSerial, type Serial, serialNow, serialOfBuild } from '../targets/serial.ts';
import { toPublish } from '../stages/documents.ts';
import type { ImageToPublish, TargetContext } from '../targets/target.ts';
import { exec } from '../tools/exec.ts';
import { openPaths } from './request.ts';

/** Where an image is uploaded that no build is about to publish, and who is told of it. */
export type UploadContext = Pick<TargetContext, 'signal' | 'progress' | 'note'> & { world: World };

/** An image to upload. `learn` keeps its SHA-256 for the next time, when that was not known before it was sent. */
export type FoundImage = { found: ImageToPublish; learn?: (sha256: string) => Promise<void> };

/**
 * What lies at a URL is known to the cloud alone: it has no digest here. Name and format are those that the URL ends with.
 *
 * @throws VmkilnError USAGE when that is no name, or no format of the Image service: nobody could correct it afterwards.
 */
export function imageAt(address: string, options: { name?: string; diskFormat?: string }): FoundImage {
  if (!URL.canParse(address)) throw new VmkilnError('USAGE', `${address} is not a URL`, { hint: 'correct it' });
  const url = new URL(address);
  const file = lastPart(url);
  const suffix = extname(file).slice(1).toLowerCase();
  const name = options.name ?? basename(file, extname(file));
  const format = options.diskFormat ?? diskFormats.find((each) => each === suffix);
  if (name === '') {
    throw new VmkilnError('USAGE', `${redactUrl(url)} ends with no file name`, {
      hint: 'give the image a name: --name NAME',
    });
  }
  if (format === undefined) {
    const why = suffix === '' ? 'it has no suffix' : `.${suffix} is none`;
    throw new VmkilnError('USAGE', `the disk format of ${redactUrl(url)} is not known: ${why}`, {
      hint: `say it: --disk-format with one of ${diskFormats.join(', ')}`,
    });
  }
  const found = { path: '', name, format: format as DiskFormat, sha256: '', size: 0 };
  return { found: { ...found, build: '', serial: serialNow(), rehearsal: false } };
}

/** The file name that a URL ends with. */
function lastPart({ pathname }: URL): string {
  const last = pathname.split('/').at(-1) ?? '';
  try {
    const decoded = decodeURIComponent(last);
    return printable(decoded) === decoded ? decoded : last;
  } catch {
    // A stray % is a character like any other.
    return last;
  }
}

/** How a file is taken. */
type Taking = {
  /** What it is called; by default as its `index.json` says, or the file. */
  name: string | undefined;
  /** Where it is to go: what is asked for there is looked at before anything goes anywhere. */
  targets: readonly PlannedTarget[];
  /** Its digest may be left for later. */
  late: boolean;
  allowRehearsal: boolean;
  allowUnfit: boolean;
  /** The guest operating system is looked for too, which takes an appliance: its properties are then those of a new image. */
  guest?: boolean;
};

/**
 * The image in a file.
 *
 * @throws VmkilnError USAGE when there is no such file, or it is the result of a rehearsal; IMAGE_UNFIT, INPUT_CHANGED, PROVENANCE_INVALID.
 */
export async function imageIn(path: string, taking: Taking, context: UploadContext): Promise<FoundImage> {
  const { signal, world, progress, note } = context;
  // Whatever it takes to look at the file: this is when it began.
  const now = serialNow();
  const full = resolve(world.cwd, path);
  const inspected = await inspectedIn(full, taking, context);
  const looking = { mediaDir: (await openPaths(world)).media, signal, progress };
  const listed = await allEntries(dirname(full)).catch(() => []);
  const entry = listed.find(({ file }) => file === basename(full));
  const name = taking.name ?? entry?.name ?? basename(full, extname(full));
  const rehearsal = entry?.rehearsal ?? /-rehearsal(\.|$)/.test(basename(full));
  if (rehearsal && !taking.allowRehearsal) {
    throw new VmkilnError('USAGE', `${path} is the result of a rehearsal, made from practice media`, {
      hint: 'build the real one, or add --allow-rehearsal',
    });
  }
  const about = { path: full, name, rehearsal, ...inspected };
  const beside = await readBeside(full);
  const isDescribed = Object.keys(beside).length > 0;
  if (taking.late && entry === undefined && !isDescribed) {
    const { known, learn } = await findHash(full, looking);
    const readSha256 = async () => (await hashFile(full, looking)).sha256;
    const found = { ...about, sha256: known ?? '', readSha256, build: '', serial: now };
    return known === undefined ? { found, learn } : { found };
  }
  const { sha256 } = await hashFile(full, looking);
  // Only a build of the very same bytes made it.
  const same = entry?.sha256 === sha256 ? entry : undefined;
  const build = same?.build ?? '';
  const said = isDescribed ? await believed(beside, sha256, note) : {};
  return { found: { ...about, ...said, sha256, build, serial: same ? serialIn(same, now) : now } };
}

/** What lies beside an image goes with it if all of it was written for it; who signed it is for those to judge who get it. */
async function believed(
  { statements, inventory, sbom }: Partial<Documents>,
  sha256: string,
  note: (message: string) => void,
): Promise<Pick<ImageToPublish, 'documents' | 'media' | 'sha512'>> {
  if (statements === undefined || inventory === undefined || sbom === undefined) {
    note('a part of what is said of the image is missing beside it: the rest is not uploaded');
    return {};
  }
  // Only now: few images have any.
  const { digestsOf, judgeStatements } = await import('../describe/check.ts');
  const found = judgeStatements(statements, sha256, digestsOf({ inventory, sbom }), undefined);
  if (found.ok) return toPublish({ statements, inventory, sbom }, sha256);
  note(`what lies beside the image is not uploaded: ${found.reason}: ${found.message}`);
  return {};
}

/** What is published already has its serial, or that of its build if it is of version 0.1.0. */
function serialIn({ serial, build }: IndexEntry, now: Serial): Serial {
  const ofBuild = serialOfBuild(build);
  return serial ?? (ofBuild === noSerial ? now : ofBuild);
}

async function inspectedIn(
  path: string,
  { targets, allowUnfit, guest }: Taking,
  { signal, world, progress }: UploadContext,
): Promise<Pick<ImageToPublish, 'format' | 'size' | 'identity' | 'inspection' | 'unfit'>> {
  const wanted = targets.map((target) => openTarget(target).diskFormat);
  const looking = { signal, progress, ...(guest && { guest: () => probeAppliance(world, signal, progress) }) };
  return withFitImage(path, { wanted, allowUnfit }, looking, async (file, inspection) => {
    const { size, identity, name } = file;
    const about = { format: diskFormatOf(name, inspection.format), size, identity, inspection };
    return refusalOf(path, inspection, { wanted }) ? { ...about, unfit: true } : about;
  });
}

/** Publishes an image to all places at once; `done` is told of each that has it. @throws VmkilnError as `publishAll` does. */
export async function uploadImage(
  { found, learn }: FoundImage,
  targets: readonly PlannedTarget[],
  { world, ...context }: UploadContext,
  done: (published: Published) => void = () => undefined,
): Promise<Published[]> {
  const work = (file: string) => join(world.env['TMPDIR'] ?? tmpdir(), file);
  const { signal } = context;
  const published = await publishAll(
    targets,
    found,
    { ...world, ...context, work, exec: (call) => exec({ ...call, signal }) },
    done,
  );
  if (published[0] && published[0].already === undefined) await learn?.(published[0].sha256);
  return published;
}
