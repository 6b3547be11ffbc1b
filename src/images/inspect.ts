import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ErrorCode, messageOf, VmkilnError } from '../errors.ts';
import { withTemporary } from '../tools/temporary.ts';
import { exec } from '../tools/exec.ts';
import { virtInspector } from '../tools/inspector.ts';
import { diskRange } from '../tools/qemu-img.ts';
import type { ApplianceHost } from '../model.ts';
import { runAppliance } from './appliance.ts';
import { detect, detectInside } from './detect.ts';
import type { Detected } from './detect.ts';
import { suffixFormat, wayTo } from './disk-format.ts';
import type { ImageFile } from './file.ts';
import { parseInspector } from './guest.ts';
import type { Guest } from './guest.ts';
import { bufferSource, error, isHarmful, warning } from './header.ts';
import type { Format, ImageFinding } from './header.ts';
import { printable } from './text.ts';

/** All that is known of an image. `selfContained` is false when it wants other files besides itself. */
export type Inspection = Detected & {
  selfContained: boolean;
  guests: readonly Guest[];
  /** Why nobody looked for a guest, if so. */
  guestSkipped?: string;
};

export type InspectOptions = {
  signal: AbortSignal;
  /** Looks for the guest operating system with this accelerator; undefined: does not look. */
  guest?: () => Promise<ApplianceHost>;
  /** False to read the header alone: of an image that vmkiln has made. */
  inside?: boolean;
  progress?: (message: string) => void;
};

/** How much of the disk is looked at for its partition table, in bytes: a GPT of 4096-byte sectors ends before. */
const startLength = 128 * 1024;
/** What may go wrong with qemu-img that says something of the image, or that it is not there. */
const ofQemu: readonly ErrorCode[] = ['COMMAND_FAILED', 'COMMAND_TIMEOUT', 'TOOL_MISSING'];
/** Images with a disk inside that another program has to unpack. */
const packed: readonly Format[] = ['qcow2', 'vmdk', 'vhd', 'vhdx', 'vdi'];

/**
 * Finds out what an image is. Its header is read by this program's own parsers. Other programs get to see it only when
 * it needs no file besides itself and nothing is wrong with it, and are told its format.
 *
 * @throws VmkilnError INTERRUPTED, or what the host's probe throws.
 */
export async function inspectImage(file: ImageFile, options: InspectOptions): Promise<Inspection> {
  const header = detect(file.source);
  const looks = isFit(header) && packed.includes(header.format) && options.inside !== false;
  const inside = looks ? await lookInside(file, header, options.signal) : {};
  const findings = [
    ...header.findings,
    ...(inside.findings ?? []),
    ...textFindings(file, header),
    ...nameFindings(file, header),
  ];
  const known: Detected = { ...header, ...inside, findings };
  const selfContained = header.references.length === 0;
  const skipped = whyNoGuest(known, options.guest !== undefined);
  if (skipped !== undefined) return { ...known, selfContained, guests: [], guestSkipped: skipped };
  return { ...known, selfContained, ...(await lookForGuest(file, known, options)) };
}

/** A page that a web server gave in place of an image, a list of checksums: no disk begins with a sector of text. */
function textFindings({ source }: ImageFile, { format, table }: Detected): ImageFinding[] {
  const start = source.read(0, 512);
  if (format !== 'raw' || table || start.length === 0 || !isText(start)) return [];
  return [error('text', 'it is text, and no disk: is it a page that says why there is no image?')];
}

function isText(bytes: Buffer): boolean {
  if (bytes.some((byte) => byte < 9 || (byte > 13 && byte < 32) || byte === 127)) return false;
  try {
    // The last character may be cut.
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
}

/** What a name says stands in no image, but somebody went by it. */
function nameFindings({ name }: ImageFile, { format }: Detected): ImageFinding[] {
  const said = suffixFormat(name);
  if (said === undefined || wayTo(said, format) === 'as it is') return [];
  return [warning('name', `its name says ${said}, and its contents are ${format}`)];
}

/** Whether other programs may see an image: nothing points outside it, and nothing is wrong with it for them. */
function isFit({ references, findings }: Detected): boolean {
  return references.length === 0 && !findings.some(isHarmful);
}

/** The partition table of the disk inside. A qemu-img that fails, or is not there, is a finding. */
async function lookInside(file: ImageFile, header: Detected, signal: AbortSignal): Promise<Partial<Detected>> {
  if (header.details['encryption'] !== undefined && header.details['encryption'] !== 'none') return {};
  try {
    const start = await withTemporary('vmkiln-inspect-', async (folder) => {
      const to = join(folder, 'start.raw');
      await exec({ ...diskRange(file.open, header.format, { start: 0, length: startLength }, to), signal });
      return readFile(to);
    });
    return detectInside(bufferSource(start), header.virtualSize ?? 0);
  } catch (cause) {
    if (!(cause instanceof VmkilnError) || !ofQemu.includes(cause.code)) throw cause;
    const finding =
      cause.code === 'TOOL_MISSING'
        ? warning('partitions', `the disk inside was not looked at: ${cause.message}`)
        : error('unreadable', `qemu-img cannot read it: ${lastLine(cause).replaceAll(file.open, file.path)}`);
    return { findings: [finding] };
  }
}

function whyNoGuest(image: Detected, wanted: boolean): string | undefined {
  if (!['raw', 'ami', ...packed].includes(image.format))
    return 'there is no installed system in an image of this format';
  if (!wanted) return '--no-guest';
  if (image.references.length > 0) return 'the image is not self-contained';
  if (!isFit(image)) return 'something is wrong with the image';
  const found = (what: string) => image.findings.some(({ code }) => code === what);
  if (found('encrypted')) return 'it is encrypted';
  return found('unknown-contents') ? 'there is nothing to be seen on the disk' : undefined;
}

async function lookForGuest(
  file: ImageFile,
  { format }: Detected,
  { guest, signal, progress }: InspectOptions,
): Promise<{ guests: readonly Guest[]; guestSkipped?: string }> {
  if (guest === undefined) return { guests: [] };
  try {
    const host = await guest();
    progress?.(
      `looking for the guest operating system${host.accelerator === 'tcg' ? ' (without KVM: half a minute)' : ''}`,
    );
    const { stdout } = await runAppliance(
      { path: file.open, format },
      (overlay) => virtInspector(overlay, host),
      signal,
    );
    const guests = parseInspector(stdout);
    return guests.length === 0 ? { guests, guestSkipped: 'virt-inspector found no operating system' } : { guests };
  } catch (cause) {
    if (!(cause instanceof VmkilnError)) throw cause;
    if (cause.code === 'TOOL_MISSING') return { guests: [], guestSkipped: cause.message };
    if (!['COMMAND_FAILED', 'COMMAND_TIMEOUT'].includes(cause.code)) throw cause;
    return { guests: [], guestSkipped: `virt-inspector failed: ${lastLine(cause)}` };
  }
}

function lastLine(cause: unknown): string {
  const line = messageOf(cause).trim().split('\n').at(-1) ?? '';
  // It may repeat what the image says, and how qemu-img was told of it.
  return printable(line.replace(/json:\{.*?"filename":"(.*?)"\}+/g, '$1'));
}
