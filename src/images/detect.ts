import { parseFilesystem, parseKernel, parseRamdisk } from './amazon.ts';
import { parseArchive } from './archives.ts';
import { error, isText, warning } from './header.ts';
import type { ImageFinding, Header, Parser, ByteSource, Reference } from './header.ts';
import { parseIso } from './iso.ts';
import { isSound } from './partition-table.ts';
import type { PartitionTable } from './partition-table.ts';
import { parsePartitions } from './partitions.ts';
import { parseQcow2 } from './qcow2.ts';
import { parseVdi } from './vdi.ts';
import { parseVhd } from './vhd.ts';
import { parseVhdx } from './vhdx.ts';
import { parseVmdk } from './vmdk.ts';

/** Formats with a header of their own, and those that only look like one when no other fits. */
const containers: readonly Parser[] = [parseQcow2, parseVmdk, parseVhdx, parseVdi, parseVhd, parseIso];
const contents: readonly Parser[] = [parseKernel, parseRamdisk, parseArchive, parseFilesystem];

/** Formats that QEMU would guess, and open, and that no Image service takes. */
const others: readonly [name: string, offset: number, magic: string][] = [
  ['QED', 0, 'QED\0'],
  ['Parallels', 0, 'WithoutFreeSpace'],
  ['Parallels', 0, 'WithouFreSpacExt'],
  ['Bochs', 0, 'Bochs Virtual HD Image'],
  ['cloop', 0, '#!/bin/sh\n#V2.0 Format\n'],
  ['LUKS', 0, 'LUKS\u00ba\u00be'],
];

const unknownContents = warning(
  'unknown-contents',
  'the disk begins with neither a partition table nor a known filesystem',
);

/** The header of an image, and the partition table where the file itself begins with one. */
export type Detected = Header & { table?: PartitionTable };

/**
 * Tells the format of an image from its bytes, never from its name. A file that is of several formats at once means
 * something else to each program that reads it, which is how an image is smuggled past a check: that is an error.
 * Never throws on any bytes.
 */
export function detect(source: ByteSource): Detected {
  const matches = containers.flatMap((parse) => parse(source) ?? []);
  const foreign = foreignFormats(source);
  const [first, ...rest] = matches;
  const names = [...matches.map(({ format }) => format as string), ...foreign];
  const several =
    names.length > 1
      ? [error('several-formats', `it is ${names.join(' and ')} at once: no program would know which is meant`)]
      : [];
  if (first) {
    const found = { ...first, findings: [...several, ...first.findings, ...rest.flatMap(({ findings }) => findings)] };
    const references = distinct(matches.flatMap((other) => other.references));
    return first.format === 'iso' ? withHybrid({ ...found, references }, source) : { ...found, references };
  }
  if (foreign.length > 0) return { ...nothing('other', foreign.join(', ')), findings: [...several, notTaken(foreign)] };
  return bare(source);
}

/** Each file once: a hostile descriptor may name one a hundred thousand times. */
function distinct(references: readonly Reference[]): Reference[] {
  return [...new Map(references.map((each) => [`${each.kind} ${each.name}`, each])).values()];
}

function foreignFormats(source: ByteSource): string[] {
  const names = others.filter(([, offset, magic]) => isText(source.read(offset, magic.length), 0, magic));
  const dmg = isText(source.read(source.size - 512, 4), 0, 'koly') ? ['DMG'] : [];
  return [...names.map(([name]) => name), ...dmg];
}

function notTaken(foreign: readonly string[]): ImageFinding {
  return error('format', `it is a ${foreign.join(', ')} image, which the Image service has no disk_format for`);
}

function nothing(format: 'other', subformat: string): Header {
  return { format, subformat, details: {}, references: [], findings: [] };
}

/**
 * What has no header of its own. A sound partition table makes it a disk, whatever its first sector or an old superblock
 * looks like; otherwise its first bytes say more than a table that is not.
 */
function bare(source: ByteSource): Detected {
  const table = parsePartitions(source, source.size);
  const content = table && isSound(table) ? undefined : contents.flatMap((parse) => parse(source) ?? [])[0];
  return content ?? raw(source, table);
}

/** A raw disk: what follows from its bytes is its partition table. */
function raw(source: ByteSource, table: PartitionTable | undefined): Detected {
  const findings: ImageFinding[] = [...(table?.findings ?? [])];
  if (source.size === 0) findings.push(error('empty', 'the file is empty'));
  else if (source.size % 512 !== 0) {
    findings.push(error('size', `a raw disk consists of sectors; ${source.size} bytes are not a multiple of 512`));
  }
  if (!table && source.size > 0) findings.push(unknownContents);
  return { format: 'raw', virtualSize: source.size, details: {}, references: [], findings, ...(table && { table }) };
}

/** An ISO that can be written to a USB stick has a partition table in the sectors that discs leave free. */
function withHybrid(iso: Header, source: ByteSource): Detected {
  const table = parsePartitions(source, source.size);
  if (!table) return iso;
  return {
    ...iso,
    details: { ...iso.details, hybrid: `${table.kind} for USB sticks` },
    // The tables of hybrid discs overlap by design, and their ends are padded differently.
    table: { ...table, findings: [] },
  };
}

/** What a disk may well hold, besides what QEMU would take for an image: it names no other file. */
const encrypted = warning('encrypted', 'the disk inside is encrypted with LUKS: nothing in it can be read');

/**
 * What the disk inside an image begins with. A header there means that the image, once it is converted to raw, would be
 * taken for one of that format, with whatever files that names. `diskSize` is in bytes.
 */
export function detectInside(
  start: ByteSource,
  diskSize: number,
): { table?: PartitionTable; findings: readonly ImageFinding[] } {
  // The end of what was read is not the end of the disk, where some formats have their mark.
  const disk = { size: Math.max(diskSize, start.size), read: start.read };
  const nested = containers.filter((parse) => parse !== parseIso).flatMap((parse) => parse(disk)?.format ?? []);
  const names = [...nested, ...foreignFormats(disk)];
  const findings: ImageFinding[] = names
    .filter((name) => name !== 'LUKS')
    .map((name) =>
      error(
        'nested',
        `the disk inside begins with the header of another ${name} image: converted to raw, it would be taken for that`,
      ),
    );
  if (names.includes('LUKS')) return { findings: [...findings, encrypted] };
  const table = parsePartitions(disk, diskSize);
  const hasFilesystem = parseFilesystem(disk) !== undefined;
  if (table && (isSound(table) || !hasFilesystem)) return { findings: [...findings, ...table.findings], table };
  return { findings: hasFilesystem ? findings : [...findings, unknownContents] };
}
