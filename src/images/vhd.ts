import { big, error, isText, sizeFindings, warning } from './header.ts';
import type { ImageFinding, Header, Reference, ByteSource } from './header.ts';
import { findBeyondEnd } from './tables.ts';
import { printable, fieldText } from './text.ts';

const types: Readonly<Record<number, string>> = { 2: 'fixed', 3: 'dynamic', 4: 'differencing' };

/** An entry of the block table that leads nowhere. */
const unused = 0xffff_ffff;

/**
 * Reads a VHD (QEMU: vpc) by the "Virtual Hard Disk Image Format Specification" 1.0. The footer is the last sector of
 * the file; a disk that is not fixed has a copy of it at the start and a dynamic header where `data offset` points.
 */
export function parseVhd(source: ByteSource): Header | undefined {
  const copy = footerAt(source, 0);
  const end = endFooter(source, copy !== undefined);
  const footer = end ?? copy;
  if (!footer) return undefined;
  const type = big.u32(footer, 60);
  const virtualSize = big.u64(footer, 48);
  const findings: ImageFinding[] = [...sizeFindings(virtualSize)];
  if (!end) findings.push(error('truncated', 'the footer at its end is missing: the file is cut short'));
  if (!copy && type !== 2) {
    findings.push(
      error('damaged', 'the copy of its footer at the start is missing, without which QEMU does not read it'),
    );
  }
  if (end && copy && !sameDisk(end, copy)) {
    findings.push(error('damaged', 'its footer and the copy at the start, which QEMU believes, contradict each other'));
  }
  if (!checksumHolds(footer, 64)) findings.push(error('checksum', 'the checksum of its footer is wrong'));
  if (big.u32(footer, 12) !== 0x00010000) findings.push(error('version', 'its footer is not of version 1.0'));
  if (types[type] === undefined) findings.push(error('damaged', `its disk type ${type} does not exist`));
  if ((footer[84] ?? 0) !== 0) findings.push(warning('saved-state', 'it was saved from a running machine'));
  const references: Reference[] = [];
  let block: Record<string, number> = {};
  if (type === 2) {
    if (virtualSize + footer.length > source.size) {
      findings.push(error('truncated', `its footer says ${virtualSize} bytes, and the file has ${source.size}`));
    }
    findings.push(
      warning(
        'fixed-vhd',
        'only its end tells that it is a VHD: QEMU and the Image service take it for raw unless told',
      ),
    );
  } else {
    const dynamic = source.read(big.u64(footer, 16), 1024);
    block = { 'block size': big.u32(dynamic, 32) };
    findings.push(...dynamicFindings(source, dynamic, virtualSize));
    if (type === 4) references.push({ kind: 'parent', name: parentName(dynamic) });
  }
  return {
    format: 'vhd',
    subformat: types[type] ?? `type ${type}`,
    virtualSize,
    details: {
      creator: `${fieldText(footer.subarray(28, 32), 'latin1')} ${big.u16(footer, 32)}.${big.u16(footer, 34)}`,
      'original size': big.u64(footer, 40),
      geometry: `${big.u16(footer, 56)}/${footer[58] ?? 0}/${footer[59] ?? 0}`,
      uuid: footer.toString('hex', 68, 84),
      ...block,
    },
    references,
    findings,
  };
}

/**
 * The footer at the end of a file. With a copy at the start, zeros may follow it: some programs pad what they make. Without
 * one, "conectix" may be any disk's last words, so its checksum has to hold, and a disk that is not fixed to be there.
 */
function endFooter(source: ByteSource, hasCopy: boolean): Buffer | undefined {
  // Virtual PC before 2004 wrote a footer of 511 bytes.
  const last = footerAt(source, source.size - 512) ?? footerAt(source, source.size - 511);
  if (hasCopy) return last ?? paddedFooter(source);
  if (!last || !checksumHolds(last, 64)) return undefined;
  const isThere = big.u32(last, 60) === 2 || isText(source.read(big.u64(last, 16), 8), 0, 'cxsparse');
  return isThere ? last : undefined;
}

/** The footer before the zeros at the end of a file, of at most 16 MiB. It begins on a sector, and its own end is zeros. */
function paddedFooter(source: ByteSource): Buffer | undefined {
  const chunk = 2 ** 20;
  const last = Math.floor((source.size - 1) / chunk);
  for (let index = last; index >= 0 && index > last - 16; index -= 1) {
    const used = source.read(index * chunk, chunk).findLastIndex((byte) => byte !== 0);
    if (used !== -1) return footerAt(source, index * chunk + used - (used % 512));
  }
  return undefined;
}

function footerAt(source: ByteSource, offset: number): Buffer | undefined {
  const bytes = source.read(offset, 512);
  return bytes.length >= 511 && isText(bytes, 0, 'conectix') ? bytes : undefined;
}

/** Whether two footers agree on where the dynamic header is, the size, and the type. */
function sameDisk(one: Buffer, other: Buffer): boolean {
  return [
    [16, 24],
    [48, 56],
    [60, 64],
  ].every(([from, to]) => one.subarray(from, to).equals(other.subarray(from, to)));
}

/** The checksum is the complement of the sum of all bytes but its own four. */
function checksumHolds(bytes: Buffer, at: number): boolean {
  let sum = 0;
  for (const [index, byte] of bytes.entries()) if (index < at || index >= at + 4) sum += byte;
  return ~sum >>> 0 === big.u32(bytes, at);
}

function dynamicFindings(source: ByteSource, dynamic: Buffer, virtualSize: number): ImageFinding[] {
  if (dynamic.length < 1024 || !isText(dynamic, 0, 'cxsparse')) {
    return [error('damaged', 'there is no dynamic header where its footer says')];
  }
  const findings: ImageFinding[] = [];
  if (!checksumHolds(dynamic, 36)) findings.push(error('checksum', 'the checksum of its dynamic header is wrong'));
  const entries = big.u32(dynamic, 28);
  const block = big.u32(dynamic, 32);
  const powerOfTwo = block >= 512 && Number.isInteger(Math.log2(block));
  if (!powerOfTwo) findings.push(error('damaged', `its block size ${block} is not a power of two of at least 512`));
  else if (entries * block < virtualSize) {
    findings.push(error('damaged', `its ${entries} blocks do not hold a disk of ${virtualSize} bytes`));
  }
  if (findings.some(({ code }) => code === 'damaged')) return findings;
  // Before each block lies a bitmap with a bit for every sector of it, in whole sectors.
  const bitmap = Math.ceil(block / 512 / 8 / 512) * 512;
  const table = { offset: big.u64(dynamic, 16), entries, width: 4, first: 0 };
  const blocks = findBeyondEnd(source, [table], (bytes, at) => {
    const sector = bytes.readUInt32BE(at);
    return sector === unused ? 0 : sector * 512 + bitmap + block;
  });
  return [...findings, ...blocks];
}

/** The parent's name in UTF-16, big-endian. */
function parentName(dynamic: Buffer): string {
  const field = Buffer.from(dynamic.subarray(64, 576));
  if (field.length < 512) return '';
  const name = field.swap16().toString('utf16le');
  return printable(name.split('\0')[0] ?? '');
}
