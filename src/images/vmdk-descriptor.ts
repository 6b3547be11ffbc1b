import type { ByteSource } from './header.ts';
import { printable } from './text.ts';

/** One line of the extent description. `size` is in bytes; `file` is undefined for an extent of zeros. */
type Extent = { access: string; size: number; type: string; file: string | undefined };

/** The text part of a VMDK (VMware's "Virtual Disk Format 5.0"). Its texts are as they stand there: not fit to be shown. */
export type Descriptor = {
  createType: string | undefined;
  adapterType: string | undefined;
  virtualHWVersion: string | undefined;
  /** The first extents, and the size of all of them in bytes. */
  extents: readonly Extent[];
  size: number;
  /** The names of parents, wherever they stand; '' for a parent without a name. */
  parents: readonly string[];
  /** What makes readers disagree, or refuse it, in sentences that follow "its descriptor". */
  faults: readonly string[];
};

/** QEMU reads shorter descriptors only. */
export const descriptorLimit = 2 ** 20 - 1;
/** Where QEMU looks for the descriptor of a sparse VMDK, and for how many bytes, whatever its header says: block/vmdk.c. */
export const descriptorOffset = 512;
const window = 20 * 512;
/** Extents beyond this many are not kept. */
const kept = 64;

const extentLine =
  /^(RW|RDONLY|NOACCESS)\s+(\d+)\s+(FLAT|SPARSE|ZERO|VMFS|VMFSSPARSE|VMFSRDM|VMFSRAW|SESPARSE)(?:\s+"([^"]*)"(?:\s+\d+)?)?$/i;

/**
 * The start of a file if QEMU could read it as a descriptor: its heading, a version as its first line that is no comment
 * (`vmdk_probe` of block/vmdk.c), or a `createType` (`vmdk_open_desc_file`, for those who are told that it is a VMDK).
 */
export function descriptorFile(source: ByteSource): Buffer | undefined {
  const start = source.read(0, 4096);
  const bytes = start.includes(0) ? start : source.read(0, descriptorLimit);
  const text = bytes.toString('latin1');
  // A NUL ends what is read, but no comment of those that the probe passes over.
  const version = /^(?:[ \t]*(?:#[^\n]*)?\r?\n)*[ \t]*version=\d/i;
  const found = /^# Disk DescriptorFile/i.test(text) || version.test(text) || /createType/i.test(untilNul(bytes));
  return found ? source.read(0, descriptorLimit) : undefined;
}

/**
 * The descriptor within a sparse VMDK whose header says that it has `length` bytes. Where it is not ended by a NUL before
 * that, QEMU reads on to the end of its window.
 */
export function embeddedDescriptor(source: ByteSource, length: number): Buffer {
  const bytes = source.read(descriptorOffset, Math.min(length, descriptorLimit));
  return length < window && !bytes.includes(0)
    ? Buffer.from(untilNul(source.read(descriptorOffset, window)), 'latin1')
    : bytes;
}

/** Reads a descriptor, whose keys are not case-sensitive. Its end is the first NUL, and only NULs may follow. */
export function parseDescriptor(bytes: Buffer): Descriptor {
  const end = bytes.indexOf(0);
  const text = (end === -1 ? bytes : bytes.subarray(0, end)).toString();
  const values = new Map<string, string>();
  const extents: Extent[] = [];
  const faults: string[] = [];
  let size = 0;
  if (end !== -1 && bytes.subarray(end).some((byte) => byte !== 0)) faults.push('goes on behind its end');
  for (const line of text.split('\n').map((raw) => raw.trim())) {
    if (line === '' || line.startsWith('#')) continue;
    const [, access = '', sectors = '', type = '', file] = extentLine.exec(line) ?? [];
    // As the check of the Image service has it: a blank may stand before `=` in the disk database only.
    const [, key, value] = (/^ddb/i.test(line) ? /^([^\s=]+)\s*=(.*)$/ : /^([^\s=]+)=(.*)$/).exec(line) ?? [];
    if (access !== '') {
      const extent = { access: access.toUpperCase(), size: Number(sectors) * 512, type: type.toUpperCase(), file };
      size += extent.size;
      if (extents.length < kept) extents.push(extent);
    } else if (key !== undefined && value !== undefined) {
      const name = key.toLowerCase();
      if (values.has(name) && searched.some((word) => word.toLowerCase() === name)) faults.push(`says ${key} twice`);
      values.set(name, unquoted(value));
    } else faults.push(`has a line that belongs to none: ${JSON.stringify(printable(line).slice(0, 80))}`);
  }
  return {
    createType: values.get('createtype'),
    adapterType: values.get('ddb.adaptertype'),
    virtualHWVersion: values.get('ddb.virtualhwversion'),
    extents,
    size,
    parents: parentsOf(text, values.get('parentcid')),
    faults: [...faults.slice(0, 3), ...searchFaults(text), ...(extents.length === 0 ? ['names no extents'] : [])],
  };
}

/**
 * QEMU searches the text for the first `parentFileNameHint`, in comments and other values too, and takes what begins two
 * characters behind. Without one, a `parentCID` that says that there is a parent is left.
 */
function parentsOf(text: string, parentCid: string | undefined): string[] {
  const hints = [...text.matchAll(/parentFileNameHint(?!="")[^]{0,2}([^"]*)/gi)].map(([, name = '']) => name);
  const isChild = parentCid !== undefined && !/^f{8}$/i.test(parentCid);
  return hints.length > 0 || !isChild ? hints.slice(0, kept) : [''];
}

/** What QEMU and the Image service search the text for: a second one, in a comment perhaps, is the one that some find. */
const searched = ['createType', 'parentCID'];

function searchFaults(text: string): string[] {
  return searched.flatMap((word) => {
    const [, behind, more] = text.split(word, 3);
    if (behind === undefined) return [`has no ${word}`];
    if (more !== undefined) return [`has ${word} more than once: its readers would disagree`];
    return word === 'createType' || /^=\s*[0-9a-f]+\s/i.test(`${behind}\n`)
      ? []
      : ['has a parentCID that is no number'];
  });
}

function untilNul(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString('latin1', 0, end === -1 ? bytes.length : end);
}

function unquoted(value: string): string {
  return value.trim().replace(/^"(.*)"$/, '$1');
}
