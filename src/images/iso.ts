import { error, isText, little, sizeFindings, warning } from './header.ts';
import type { ImageFinding, Header, ByteSource } from './header.ts';
import { discSector, hasSupplementary, primaryVolume, volumeDescriptors } from './iso9660.ts';
import { udfFindings } from './udf.ts';

const platforms: Readonly<Record<number, string>> = { 0: 'BIOS', 1: 'PowerPC', 2: 'Mac', 0xef: 'UEFI' };

/** Reads the volume descriptors of ISO 9660 (ECMA-119), UDF's beside them, and the El Torito boot catalogue. */
export function parseIso(source: ByteSource): Header | undefined {
  const descriptors = volumeDescriptors(source);
  const primary = primaryVolume(descriptors);
  const udf = descriptors.some((bytes) => isText(bytes, 1, 'NSR0'));
  if (!primary && !udf) return undefined;
  const findings: ImageFinding[] = [];
  const size = primary?.size ?? 0;
  if (primary && primary.blockSize !== discSector) {
    findings.push(error('damaged', `its blocks have ${primary.blockSize} bytes; those of a disc have 2048`));
  }
  // A disc of UDF may leave a stub of ISO 9660 that describes a small part of it.
  if (primary && !udf) findings.push(...sizeFindings(size));
  if (size > source.size) {
    findings.push(error('truncated', `the volume has ${size} bytes, and the file only ${source.size}`));
  }
  if (udf) findings.push(...udfFindings(source));
  const boot = bootPlatforms(source, descriptors);
  if (boot.length === 0) findings.push(warning('not-bootable', 'it has no boot catalogue: no machine starts from it'));
  return {
    format: 'iso',
    subformat: udf ? (primary ? 'iso9660 and udf' : 'udf') : 'iso9660',
    virtualSize: source.size,
    details: {
      ...(primary && {
        'volume id': primary.id,
        'volume size': size,
        application: primary.application,
      }),
      joliet: hasSupplementary(descriptors),
      'boots with': boot,
    },
    references: [],
    findings,
  };
}

/** The platforms of the boot catalogue ("El Torito" 1.0): its validation entry, and the headers of its sections. */
function bootPlatforms(source: ByteSource, descriptors: readonly Buffer[]): string[] {
  const record = descriptors.find((bytes) => bytes[0] === 0 && isText(bytes, 7, 'EL TORITO SPECIFICATION'));
  if (!record) return [];
  const catalogue = source.read(little.u32(record, 71) * discSector, discSector);
  if (catalogue[0] !== 1 || catalogue[30] !== 0x55 || catalogue[31] !== 0xaa) return [];
  const found = catalogue[32] === 0x88 ? [catalogue[1] ?? 0] : [];
  for (let at = 64; at + 32 <= catalogue.length; at += 32) {
    const kind = catalogue[at];
    if (kind === 0x90 || kind === 0x91) found.push(catalogue[at + 1] ?? 0);
    if (kind === 0x91 || kind === 0) break;
  }
  return [...new Set(found.map((platform) => platforms[platform] ?? `platform ${platform}`))];
}
