import { big, error, isHarmful, isText, sizeFindings, warning } from './header.ts';
import type { ImageFinding, Header, Reference, ByteSource } from './header.ts';
import { clusterFindings } from './qcow2-clusters.ts';
import { fieldText } from './text.ts';

/** Bits of `incompatible_features` in their order, by the names that QEMU's docs/interop/qcow2.rst gives them. */
const incompatible = ['dirty', 'corrupt', 'external data file', 'compression type', 'extended_l2'];
const compatible = ['lazy refcounts'];
const autoclear = ['bitmaps', 'raw external data'];
const encryption = ['none', 'aes', 'luks'];
const compression = ['zlib', 'zstd'];

const extensionNames = new Map([
  [0xe2792aca, 'backing file format'],
  [0x6803f857, 'feature name table'],
  [0x23852875, 'bitmaps'],
  [0x0537be77, 'full disk encryption'],
  [0x44415441, 'external data file'],
]);

/** QEMU refuses longer names. */
const nameLimit = 1023;
/** QEMU refuses larger tables: bytes of the level 1 table, and the number of snapshots. */
const level1Limit = 32 * 2 ** 20;
const snapshotLimit = 65_536;

/** Reads a qcow2 header (docs/interop/qcow2.rst of QEMU), versions 2 and 3. Version 1 is another format and an error. */
export function parseQcow2(source: ByteSource): Header | undefined {
  const head = source.read(0, 512);
  if (!isText(head, 0, 'QFI\u00fb')) return undefined;
  const version = big.u32(head, 4);
  const clusterBits = big.u32(head, 20);
  const virtualSize = big.u64(head, 24);
  const extended = version >= 3;
  if (head.length < (extended ? 104 : 72)) {
    // QEMU takes what is missing for zeros, and may follow a name that is there.
    const references = outsideFiles(source, head, [], [], []);
    const findings = [error('truncated', 'the file ends within its header')];
    return { format: 'qcow2', virtualSize, details: { version }, references, findings };
  }
  const findings: ImageFinding[] = [...sizeFindings(virtualSize)];
  if (version !== 2 && version !== 3) {
    findings.push(error('version', `qcow version ${version} is not qcow2: OpenStack and this program read 2 and 3`));
  }
  if (clusterBits < 9 || clusterBits > 21) {
    findings.push(error('cluster-size', `cluster_bits is ${clusterBits}; the format allows 9 to 21`));
  }
  const features = (at: number, names: readonly string[]) =>
    extended ? featureNames(head.subarray(at, at + 8), names) : [];
  const needed = features(72, incompatible);
  const optional = features(80, compatible);
  const refcountOrder = extended ? big.u32(head, 96) : 4;
  if (refcountOrder > 6)
    findings.push(error('damaged', `refcount_order is ${refcountOrder}; the format allows 0 to 6`));
  const headerLength = extended ? big.u32(head, 100) : 72;
  if (extended && headerLength < 104) {
    findings.push(error('damaged', `its header claims ${headerLength} bytes; version 3 has at least 104`));
  }
  // An extension may begin there; without a backing file no program writes one.
  if (!extended && big.u64(head, 8) === 0 && big.u64(head, 72) !== 0) {
    findings.push(error('version', 'it is of version 2, and has features of version 3: its readers would disagree'));
  }
  const extensions = headerExtensions(source, headerLength, clusterBits, findings);
  const crypt = big.u32(head, 32);
  const compressionType = needed.includes('compression type') && headerLength > 104 ? (head[104] ?? 0) : 0;
  const references = outsideFiles(source, head, needed, extensions, findings);
  findings.push(
    ...featureFindings(needed, crypt, compressionType),
    ...tableFindings(source, head, clusterBits, virtualSize),
  );
  const ownData = !references.some(({ kind }) => kind === 'data file');
  if (ownData && !findings.some(isHarmful)) {
    const [level1, entries] = [big.u64(head, 40), big.u32(head, 36)];
    const hasSubclusters = needed.includes('extended_l2');
    findings.push(...clusterFindings(source, { level1, entries, clusterBits, virtualSize, hasSubclusters }));
  }
  const snapshots = big.u32(head, 60);
  if (snapshots > 0) {
    findings.push(
      warning(
        'snapshots',
        `it holds ${snapshots} internal snapshots, whose old contents everyone with the image can read`,
      ),
    );
  }
  return {
    format: 'qcow2',
    subformat: version >= 3 ? 'compat 1.1' : 'compat 0.10',
    virtualSize,
    details: {
      version,
      ...(clusterBits >= 9 && clusterBits <= 21 && { 'cluster size': 2 ** clusterBits }),
      'incompatible features': needed,
      'compatible features': optional,
      'autoclear features': features(88, autoclear),
      'compression type': compression[compressionType] ?? `unknown (${compressionType})`,
      encryption: encryption[crypt] ?? `unknown (${crypt})`,
      snapshots,
      ...(version >= 3 && { 'refcount bits': 2 ** Math.min(refcountOrder, 7) }),
      'header extensions': extensions.map(({ type }) => extensionNames.get(type) ?? `0x${type.toString(16)}`),
      ...backingFormat(extensions),
    },
    references,
    findings,
  };
}

/** The set bits of a 64-bit field by name; bits without a name as `bit N`. */
function featureNames(field: Buffer, names: readonly string[]): string[] {
  const bits = field.length === 8 ? field.readBigUInt64BE(0) : 0n;
  const set = Array.from({ length: 64 }, (_, bit) => bit).filter((bit) => (bits >> BigInt(bit)) & 1n);
  return set.map((bit) => names[bit] ?? `bit ${bit}`);
}

function featureFindings(needed: readonly string[], crypt: number, compressionType: number): ImageFinding[] {
  const findings: ImageFinding[] = [];
  const unknown = needed.filter((name) => name.startsWith('bit '));
  if (unknown.length > 0) {
    findings.push(error('unknown-features', `it needs features that nobody knows: ${unknown.join(', ')}`));
  }
  if (needed.includes('corrupt')) {
    findings.push(error('damaged', 'it is marked corrupt: `qemu-img check -r all` may repair it'));
  }
  if (needed.includes('dirty')) {
    findings.push(warning('dirty', 'it was not closed properly: `qemu-img check` repairs its reference counts'));
  }
  if (needed.includes('extended_l2')) {
    findings.push(
      error(
        'extended-l2',
        'it uses extended_l2 (subclusters), which the Image service refuses: convert it to qcow2 anew',
      ),
    );
  }
  if (encryption[crypt] === undefined) {
    findings.push(error('unknown-features', `its encryption method ${crypt} is not known`));
  } else if (crypt !== 0) findings.push(warning('encrypted', 'its contents are encrypted: nothing inside can be read'));
  if (compressionType > 1) {
    findings.push(error('unknown-features', `its compression type ${compressionType} is not known`));
  }
  if (compressionType === 1) {
    findings.push(warning('zstd', 'it is compressed with zstd, which QEMU before 5.1 (RHEL 7) cannot read'));
  }
  return findings;
}

type Extension = { type: number; data: Buffer };

/** The header extensions: type, length, data padded to 8 bytes, up to type 0. They lie within the first cluster. */
function headerExtensions(
  source: ByteSource,
  from: number,
  clusterBits: number,
  findings: ImageFinding[],
): Extension[] {
  const bytes = source.read(0, 2 ** Math.min(Math.max(clusterBits, 9), 16));
  const found: Extension[] = [];
  for (let at = from; at + 8 <= bytes.length && found.length < 64;) {
    const type = big.u32(bytes, at);
    const length = big.u32(bytes, at + 4);
    if (type === 0) return found;
    if (at + 8 + length > bytes.length) {
      findings.push(error('damaged', 'a header extension is longer than the header'));
      return found;
    }
    found.push({ type, data: bytes.subarray(at + 8, at + 8 + length) });
    at += 8 + Math.ceil(length / 8) * 8;
  }
  if (from > bytes.length) findings.push(error('damaged', `its header claims ${from} bytes, more than there are`));
  return found;
}

function backingFormat(extensions: readonly Extension[]): Record<string, string> {
  const found = extensions.find(({ type }) => type === 0xe2792aca);
  return found ? { 'backing file format': fieldText(found.data, 'utf8') } : {};
}

function outsideFiles(
  source: ByteSource,
  head: Buffer,
  needed: readonly string[],
  extensions: readonly Extension[],
  findings: ImageFinding[],
): Reference[] {
  const references: Reference[] = [];
  const offset = big.u64(head, 8);
  const length = big.u32(head, 16);
  if (offset !== 0) {
    const name = source.read(offset, Math.min(length, nameLimit));
    if (length > nameLimit || offset + length > source.size) {
      findings.push(error('damaged', 'the name of its backing file lies outside the file, or is too long'));
    }
    references.push({ kind: 'backing file', name: fieldText(name, 'utf8') });
  }
  const data = extensions.find(({ type }) => type === 0x44415441);
  if (needed.includes('external data file') || data) {
    references.push({ kind: 'data file', name: fieldText(data?.data ?? Buffer.alloc(0), 'utf8') });
  }
  return references;
}

/** The tables have to lie within the file, on a cluster, and be as large as the disk needs. */
function tableFindings(source: ByteSource, head: Buffer, clusterBits: number, virtualSize: number): ImageFinding[] {
  if (clusterBits < 9 || clusterBits > 21) return [];
  const findings: ImageFinding[] = [];
  const cluster = 2 ** clusterBits;
  const entries = big.u32(head, 36);
  const snapshots = big.u32(head, 60);
  const tables = [
    { name: 'level 1 table', offset: big.u64(head, 40), bytes: entries * 8, limit: level1Limit },
    { name: 'refcount table', offset: big.u64(head, 48), bytes: big.u32(head, 56) * cluster, limit: 8 * 2 ** 20 },
    { name: 'snapshot table', offset: big.u64(head, 64), bytes: snapshots * 40, limit: snapshotLimit * 40 },
  ];
  for (const { name, offset, bytes, limit } of tables) {
    if (bytes === 0) continue;
    if (bytes > limit) findings.push(error('damaged', `its ${name} claims ${bytes} bytes, more than QEMU accepts`));
    else if (offset + bytes > source.size)
      findings.push(error('truncated', `its ${name} lies beyond the end of the file`));
    else if (offset % cluster !== 0 || offset === 0) {
      findings.push(error('damaged', `its ${name} does not begin on a cluster of its own`));
    }
  }
  // Each entry of level 1 leads to a cluster of 8-byte entries, each of which leads to a cluster.
  const reach = entries * (cluster / 8) * cluster;
  if (virtualSize > reach && virtualSize > 0) {
    findings.push(error('damaged', `its level 1 table reaches ${reach} bytes, and the disk has ${virtualSize}`));
  }
  return findings;
}
