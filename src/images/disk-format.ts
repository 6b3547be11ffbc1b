import { extname } from 'node:path';
import type { Format } from './header.ts';

/** The disk formats that images have here and in the Image service: all that an image can be told to be. */
export type DiskFormat = Exclude<Format, 'compressed' | 'other'>;

const disks: readonly string[] = ['raw', 'qcow2', 'vmdk', 'vdi', 'vhd', 'vhdx'];

/** Contents without a format of their own: what they are for is a matter of the name. */
const plain: readonly Format[] = ['raw', 'iso', 'ami', 'aki', 'ari', 'compressed'];

/** What else has the bytes that an image of a disk format has (doc/source/user/formats.rst of Glance). */
const sameBytes: Partial<Record<DiskFormat, readonly Format[]>> = {
  raw: ['iso', 'ami'],
  ...{ ami: plain, aki: [...plain, 'other'], ari: plain },
};

/** Whether an image of this disk format may be packed as a whole: kernels and RAM disks are. */
export function mayBePacked(format: string | undefined): boolean {
  return format === 'aki' || format === 'ari' || format === 'ami';
}

/**
 * How a file becomes an image of a disk format: it is one `as it is`, or by a conversion between formats of disks. Undefined
 * when it cannot become one: Glance, too, refuses data that is not of the format that it is declared to be
 * (`[image_format] require_image_format_match`, since 2025.1).
 */
export function wayTo(format: string, from: Format): 'as it is' | 'conversion' | undefined {
  if (from === format || sameBytes[format as DiskFormat]?.includes(from)) return 'as it is';
  const isDisk = disks.includes(from) || from === 'iso' || from === 'ami';
  return isDisk && disks.includes(format) ? 'conversion' : undefined;
}

const suffixes: Readonly<Record<string, DiskFormat>> = {
  ...{ qcow2: 'qcow2', vmdk: 'vmdk', vdi: 'vdi', vhd: 'vhd', vpc: 'vhd', vhdx: 'vhdx' },
  ...{ raw: 'raw', iso: 'iso', ami: 'ami', aki: 'aki', ari: 'ari' },
};

/** The disk format that the name of a file says, if it says one: `.img` does not, nor do the flat parts of a VMDK. */
export function suffixFormat(name: string): DiskFormat | undefined {
  return /-flat\.vmdk$/i.test(name) ? undefined : suffixes[extname(name).slice(1).toLowerCase()];
}

/** The disk format that an image goes by: what its contents are, in the word that its name has for it. */
export function diskFormatOf(name: string, contents: Format): DiskFormat {
  const said = suffixFormat(name);
  if (said !== undefined && wayTo(said, contents) === 'as it is') return said;
  return contents === 'compressed' || contents === 'other' ? (said ?? 'raw') : contents;
}
