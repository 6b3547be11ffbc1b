import { VmkilnError } from '../errors.ts';
import { withImage } from '../images/file.ts';
import { primaryVolume, volumeDescriptors } from '../images/iso9660.ts';
import { formatBytes } from '../text.ts';

/** A line of a checksum file. `name` is a base name, or undefined where the file holds a bare digest. */
export type ChecksumEntry = { name: string | undefined; sha256: string };

const sha256 = String.raw`sha-?(?:2-)?256`;
const hexDigest = String.raw`(?<hex>[0-9a-f]{64})`;
/** Other algorithms, in a heading. */
const others = /\b(?:md5|sha-?1|sha-?(?:2-)?(?:224|384|512)|sha-?3|keccak|blake|b[23]sum|sm3|ripemd|crc)/i;

/** The forms of a line, the first that fits counts. A `\` before it says that the name has escapes. */
const forms = [
  // BSD, OpenSSL (3 says SHA2-256), and `cksum`, which may write base64.
  new RegExp(
    String.raw`^(?<escape>\\?)${sha256} ?\((?<name>.+)\) ?= ?(?:${hexDigest}|(?<base64>[A-Za-z0-9+/]{43}=))$`,
    'i',
  ),
  // GNU, with an algorithm before the digest or without; a table or CSV of PowerShell's Get-FileHash.
  new RegExp(
    String.raw`^(?<escape>\\?)"?(?:${sha256}"?[\s:=,]+"?)?${hexDigest}"?(?:[ \t]+\*?|,[ \t]*)(?<name>.+)$`,
    'i',
  ),
  // A digest alone, whatever it is called.
  new RegExp(String.raw`^(?:(?:${sha256}|hash|digest|checksum)[\w ]*[:=\s]\s*)?(?:${sha256}:)?${hexDigest}$`, 'i'),
  // The name first.
  new RegExp(String.raw`^\*?(?<name>\S.*?)[\s:=,]+${sha256}[:=]\s*${hexDigest}$`, 'i'),
];

/** Characters of a line: a path has 4096 bytes at most. Longer ones would keep the forms busy. */
const longestLine = 5000;

/**
 * Reads the SHA-256 lines of a checksum file in UTF-8 or UTF-16: the forms of GNU, BSD, OpenSSL and PowerShell, a digest
 * after `sha256:`, or a bare one. All else is passed over: signatures, comments, other algorithms, and what stands below
 * the heading of another algorithm.
 */
export function parseChecksums(bytes: Uint8Array | string): ChecksumEntry[] {
  const text = typeof bytes === 'string' ? bytes : decode(bytes);
  const entries: ChecksumEntry[] = [];
  let isOther = false;
  for (const raw of text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/)) {
    if (raw.length > longestLine) continue;
    // RFC 9580, 7.2: in a clear-signed text a line may be prefixed by "- ".
    const line = joined(raw.replace(/^- /, '').trim());
    const path = /^path\s*:\s*(.+)$/i.exec(line)?.[1];
    const last = entries.at(-1);
    // The list of Get-FileHash names the file below its digest.
    if (path !== undefined && last?.name === undefined && last) last.name = baseName(path, '');
    const entry = readLine(line);
    if (entry) {
      if (!isOther) entries.push(entry);
    } else if (isHeading(line)) {
      isOther = others.test(line) && !new RegExp(sha256, 'i').test(line);
    }
  }
  return entries;
}

function readLine(line: string): ChecksumEntry | undefined {
  for (const form of forms) {
    const found = form.exec(line)?.groups;
    if (!found) continue;
    const hex = found['hex'] ?? Buffer.from(found['base64'] ?? '', 'base64').toString('hex');
    const name = line.startsWith('"') ? found['name']?.replace(/^"?(.*?)"?$/, '$1') : found['name'];
    return { name: baseName(name, found['escape']), sha256: hex.toLowerCase() };
  }
  return undefined;
}

/** A line that says what those below it are: a word or two, with signs around them, and no digest. */
function isHeading(line: string): boolean {
  return /^\W*(?:sha|md5|blake|b[23]sum|sm3|keccak|ripemd|crc)[\w -]*\W*$/i.test(line) && !/[0-9a-f]{32}/i.test(line);
}

/** A digest as older versions of certutil print it: a blank after each byte. */
function joined(line: string): string {
  return /^(?:[0-9a-f]{2} ){31}[0-9a-f]{2}$/i.test(line) ? line.replaceAll(' ', '') : line;
}

function baseName(name: string | undefined, escape: string | undefined): string | undefined {
  const plain = escape ? name?.replace(/\\([\\nr])/g, (_, c: string) => ({ n: '\n', r: '\r' })[c] ?? c) : name;
  const isWindows = !escape && /^(?:[a-z]:|\.{1,2}|\\)?\\/i.test(plain ?? '');
  return plain?.slice(Math.max(plain.lastIndexOf('/'), isWindows ? plain.lastIndexOf('\\') : -1) + 1);
}

/** Text of a file with a mark of its encoding, or of UTF-16 without one: every other byte of ASCII is zero there. */
function decode(bytes: Uint8Array): string {
  const [first, second] = bytes;
  const encoding =
    (first === 0xff && second === 0xfe) || (first !== 0 && second === 0)
      ? 'utf-16le'
      : (first === 0xfe && second === 0xff) || (first === 0 && second !== 0)
        ? 'utf-16be'
        : 'utf-8';
  return new TextDecoder(encoding).decode(bytes);
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
