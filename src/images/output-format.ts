import { VmkilnError } from '../errors.ts';

/** The formats that `vmkiln convert` writes. */
type FormatName = 'raw' | 'qcow2' | 'vmdk' | 'vdi' | 'vhd' | 'vhdx' | 'ami';

/** The variants of one file each; the first is the default. Others of VMDK are several files, which no service takes. */
const subformats = {
  vmdk: ['monolithicSparse', 'streamOptimized'],
  vdi: ['dynamic', 'static'],
  vhd: ['dynamic', 'fixed'],
  vhdx: ['dynamic', 'fixed'],
} as const satisfies Partial<Record<FormatName, readonly string[]>>;

export type OutputOptions = {
  to: FormatName;
  subformat?: string;
  compression?: 'zlib' | 'zstd';
  adapterType?: string;
};

/** What to write. `options` are those of `qemu-img -o`. */
export type OutputFormat = { format: FormatName; subformat?: string; options: readonly string[]; compressed: boolean };

/** Checks what the user wants to convert to. @throws VmkilnError USAGE when the options do not fit the format. */
export function outputFormatOf({ to, subformat, compression, adapterType }: OutputOptions): OutputFormat {
  const known: readonly string[] = to in subformats ? subformats[to as keyof typeof subformats] : [];
  if (subformat !== undefined && !known.includes(subformat)) {
    const instead = known.length === 0 ? `${to} has no subformats` : `${to} has ${known.join(' and ')}`;
    throw new VmkilnError('USAGE', `there is no subformat ${subformat} to convert to: ${instead}`, {
      hint: 'an image has to be one file: flat and split VMDKs are several',
    });
  }
  if (compression !== undefined && to !== 'qcow2') {
    throw new VmkilnError('USAGE', `--compression is for qcow2, not for ${to}`, {
      hint: 'a VMDK is compressed with --subformat streamOptimized',
    });
  }
  if (adapterType !== undefined && to !== 'vmdk') {
    throw new VmkilnError('USAGE', `--adapter-type is for vmdk, not for ${to}`, { hint: 'leave it out' });
  }
  const variant = subformat ?? known[0];
  return {
    format: to,
    ...(variant !== undefined && { subformat: variant }),
    options: options(to, variant, compression, adapterType),
    compressed: compression !== undefined || variant === 'streamOptimized',
  };
}

function options(to: FormatName, subformat?: string, compression?: string, adapterType?: string): string[] {
  switch (to) {
    case 'qcow2':
      return compression === 'zstd' ? ['compression_type=zstd'] : [];
    case 'vmdk':
      return [`subformat=${subformat}`, ...(adapterType === undefined ? [] : [`adapter_type=${adapterType}`])];
    case 'vdi':
      return subformat === 'static' ? ['static=on'] : [];
    case 'vhd':
      // Without it the size is rounded up to a geometry of cylinders, heads and sectors.
      return [`subformat=${subformat}`, 'force_size=on'];
    case 'vhdx':
      return [`subformat=${subformat}`];
    case 'raw':
    case 'ami':
      return [];
  }
}
