import { constants, gunzipSync } from 'node:zlib';
import { big, error, isText, little } from './header.ts';
import type { Header, ByteSource } from './header.ts';
import { fieldText } from './text.ts';

// The Amazon formats have no header of their own: AKI is a kernel, ARI its initial RAM disk, AMI a filesystem.

const bare = { references: [], findings: [] } as const;

/** A Linux kernel: x86's bzImage (Documentation/arch/x86/boot.rst) or ARM64's Image. */
export function parseKernel(source: ByteSource): Header | undefined {
  const head = source.read(0, 64 * 1024);
  if (isText(head, 0x202, 'HdrS') && little.u16(head, 0x1fe) === 0xaa55) {
    const at = little.u16(head, 0x20e);
    const version = at === 0 ? '' : fieldText(head.subarray(at + 0x200, at + 0x200 + 256), 'latin1');
    const protocol = little.u16(head, 0x206);
    return {
      format: 'aki',
      subformat: 'bzImage',
      details: {
        'kernel version': version,
        'boot protocol': `${protocol >>> 8}.${protocol & 0xff}`,
        architecture: 'x86',
      },
      ...bare,
    };
  }
  if (!isText(head, 56, 'ARM\u0064')) return undefined;
  return { format: 'aki', subformat: 'Image', details: { architecture: 'aarch64' }, ...bare };
}

const cpio = /^0707(01|02|07)$/;
/** An initial RAM disk: a cpio archive, plain (also when microcode comes first) or packed with gzip. */
export function parseRamdisk(source: ByteSource): Header | undefined {
  const head = source.read(0, 64 * 1024);
  if (cpio.test(head.toString('latin1', 0, 6))) return { format: 'ari', subformat: 'cpio', details: {}, ...bare };
  return cpio.test(gunzipStart(head)) ? { format: 'ari', subformat: 'cpio.gz', details: {}, ...bare } : undefined;
}

/** The first six characters of what gzip has packed; '' when it is no gzip. Input and output are bounded, so a bomb stays small. */
function gunzipStart(head: Buffer): string {
  const options = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: 2 ** 23 };
  try {
    return gunzipSync(head.subarray(0, 4096), options).toString('latin1', 0, 6);
  } catch {
    return '';
  }
}

/** A filesystem that begins where the file begins, without a partition table. */
export function parseFilesystem(source: ByteSource): Header | undefined {
  const name = filesystemOf(source);
  if (name === undefined) return undefined;
  const size = filesystemSize(source, name);
  const message = `its filesystem has ${size} bytes, and the file ends at ${source.size}: it is cut short`;
  const findings = size > source.size ? [error('truncated', message)] : [];
  return {
    format: 'ami',
    subformat: name,
    virtualSize: source.size,
    details: { filesystem: name },
    references: [],
    findings,
  };
}

/**
 * The bytes that a filesystem says it takes of its disk: see `struct ext4_super_block`, `struct xfs_dsb` and `struct
 * btrfs_super_block` of Linux.
 */
function filesystemSize(source: ByteSource, name: string): number {
  if (name === 'btrfs') return little.u64(source.read(65_536 + 0xd1, 8), 0);
  const head = source.read(name === 'xfs' ? 0 : 1024, 512);
  if (name === 'xfs') return big.u32(head, 4) * big.u64(head, 8);
  const isLarge = (little.u32(head, 96) & 0x80) !== 0;
  const blocks = little.u32(head, 4) + (isLarge ? little.u32(head, 0x150) * 2 ** 32 : 0);
  return blocks * 1024 * 2 ** little.u32(head, 24);
}

function filesystemOf(source: ByteSource): string | undefined {
  const super4 = source.read(1024, 512);
  if (little.u16(super4, 56) === 0xef53) {
    const incompat = little.u32(super4, 96);
    if (incompat & 0x40) return 'ext4';
    return little.u32(super4, 92) & 4 ? 'ext3' : 'ext2';
  }
  if (isText(source.read(0, 4), 0, 'XFSB')) return 'xfs';
  return isText(source.read(65_536, 128), 64, '_BHRfS_M') ? 'btrfs' : undefined;
}
