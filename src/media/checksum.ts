import { VmkilnError } from '../errors.ts';
import { withImage } from '../images/file.ts';
import { primaryVolume, volumeDescriptors } from '../images/iso9660.ts';
import { formatBytes } from '../text.ts';

/** A line of a checksum file. `name` is a base name, or undefined where the file holds a bare digest. */
export type ChecksumEntry = { name: string | undefined; sha256: string };

/**
 * Reads the SHA-256 lines of a checksum file: the GNU form of sha256sum(1) (text, binary and escaped names), the BSD
 * form `SHA256 (name) = digest`, or a bare digest. All else is passed over: signatures, comments, other algorithms.
 */
export function parseChecksums(text: string): ChecksumEntry[] {
  const entries: ChecksumEntry[] = [];
  for (const raw of text.split(/\r?\n/)) {
    // RFC 9580, 7.2: in a clear-signed text a line may be prefixed by "- ".
    const line = raw
      .replace(/^\uFEFF/, '')
      .replace(/^- /, '')
      .trimEnd();
    const gnu = /^(\\?)([0-9a-f]{64})(?:[ \t]+\*?(.+))?$/i.exec(line);
    const bsd = /^(\\?)SHA256 ?\((.+)\) ?= ?([0-9a-f]{64})$/i.exec(line);
    if (gnu) entries.push({ name: baseName(gnu[3], gnu[1]), sha256: hex(gnu[2]) });
    else if (bsd) entries.push({ name: baseName(bsd[2], bsd[1]), sha256: hex(bsd[3]) });
  }
  return entries;
}

function baseName(name: string | undefined, escape: string | undefined): string | undefined {
  const plain = escape ? name?.replace(/\\([\\nr])/g, (_, c: string) => ({ n: '\n', r: '\r' })[c] ?? c) : name;
  return plain?.slice(plain.lastIndexOf('/') + 1);
}

function hex(digest = ''): string {
  return digest.toLowerCase();
}

/**
 * The digest that a checksum file gives for the file `name`. A file with one entry is about the one medium it was
 * given for, whatever it calls it.
 *
 * @throws VmkilnError MEDIA_CHECKSUM when there is none, or more than one.
 */
export function pickChecksum(entries: readonly ChecksumEntry[], name: string, origin: string): string {
  const named = entries.filter((entry) => entry.name === name);
  const digests = new Set((entries.length === 1 ? entries : named).map((entry) => entry.sha256));
  const [digest] = digests;
  if (digest !== undefined && digests.size === 1) return digest;
  const names = entries.flatMap((entry) => entry.name ?? []).slice(0, 8);
  if (digests.size > 1) {
    throw new VmkilnError('MEDIA_CHECKSUM', `${origin} gives more than one SHA-256 for ${name}`, {
      hint: 'write the right digest into the recipe as `sha256`',
    });
  }
  throw new VmkilnError('MEDIA_CHECKSUM', `${origin} gives no SHA-256 for ${name}`, {
    hint: names.length > 0 ? `it lists ${names.join(', ')}` : 'it has no SHA-256 lines: is it the right file?',
  });
}

/**
 * The error for a file whose digest is not the expected one, with the likely cause.
 *
 * @param entries the checksum file's entries, if the digest came from one: the file may be another one of the list.
 */
export async function checksumMismatch(
  file: { path: string; name: string; size: number; sha256: string },
  expected: string,
  entries: readonly ChecksumEntry[],
): Promise<VmkilnError> {
  const other = entries.find((entry) => entry.sha256 === file.sha256)?.name;
  const declared = await isoSize(file.path).catch(() => undefined);
  const missing = declared === undefined ? 0 : declared - file.size;
  const hint =
    other !== undefined && other !== file.name
      ? `the content is that of ${other}: is it the right file?`
      : missing > 0
        ? `the file is cut short by ${formatBytes(missing)}: fetch it again`
        : 'another release or edition, a damaged copy, or a digest of another file: compare with the vendor’s page';
  const size = `${file.size} bytes`;
  const message = `${file.name} (${size}) is not the file expected: its SHA-256 is ${file.sha256}, expected ${expected}`;
  return new VmkilnError('MEDIA_CHECKSUM', message, { hint });
}

/** The size in bytes that an ISO 9660 volume says it has, or undefined for another file. */
async function isoSize(path: string): Promise<number | undefined> {
  return withImage(path, async ({ source }) => primaryVolume(volumeDescriptors(source))?.size);
}
