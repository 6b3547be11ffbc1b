/** What the header of a qcow2 says (docs/interop/qcow2.txt of QEMU). Sizes are in bytes. */
type Qcow2Header = { virtualSize: number; version: number };

/** Bytes that `readQcow2Header` needs of the file's beginning. */
export const qcow2HeaderSize = 104;

/** Bits of incompatible_features. */
const dirty = 1n;
const corrupt = 2n;
const externalData = 4n;

/**
 * Reads the header of an image that nobody vouches for: QEMU would open whatever files it names, with the rights of
 * whoever builds. A header that names any is refused before QEMU sees it.
 *
 * @returns what is wrong, in words, if the image cannot be used.
 */
export function readQcow2Header(header: Buffer): Qcow2Header | string {
  if (header.length < 72 || header.readUInt32BE(0) !== 0x514649fb) return 'is not a qcow2 image';
  const version = header.readUInt32BE(4);
  if (version !== 2 && version !== 3) return `is a qcow2 image of the unknown version ${version}`;
  if (header.readBigUInt64BE(8) !== 0n || header.readUInt32BE(16) !== 0)
    return 'has a backing file: it is only a part of an image, and may name any file of this machine';
  if (header.readUInt32BE(32) !== 0) return 'is encrypted';
  if (version === 3) {
    if (header.length < qcow2HeaderSize) return 'is cut short';
    const features = header.readBigUInt64BE(72);
    if (features & externalData) return 'keeps its data in another file, which may be any file of this machine';
    if (features & corrupt) return 'is marked as corrupt';
    if (features & dirty) return 'was not closed properly: repair it with `qemu-img check -r all`';
  }
  const size = header.readBigUInt64BE(24);
  if (size < 512n || size > 64n * 1024n ** 4n) return `says it holds ${size} bytes`;
  return { virtualSize: Number(size), version };
}
