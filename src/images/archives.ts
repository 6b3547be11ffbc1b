import { error, isText, little, warning } from './header.ts';
import type { ByteSource, Header } from './header.ts';
import { tarMembers } from './tar.ts';

/** Programs that pack a file as a whole, by how its first bytes look in hexadecimal. */
const compressors: readonly [name: string, magic: RegExp][] = [
  ['gzip', /^1f8b08/],
  ['xz', /^fd377a585a00/],
  ['zstd', /^(28b52ffd|5[0-9a-f]2a4d18)/],
  ['lz4', /^(02214c18|04224d18)/],
  ['bzip2', /^425a683[1-9](314159265359|177245385090)/],
  ['lzma', /^5d0000(?!0000)[0-9a-f]{4}(f{16}|[0-9a-f]{10}000000)/],
  ['lzip', /^4c5a4950(00|01)/],
  ['lzop', /^894c5a4f000d0a1a0a/],
  ['compress', /^1f9d[89]/],
];

/** Files that are no images, in words that follow "it is", by how their first bytes look. */
const others: readonly [name: string, words: string, magic: RegExp][] = [
  ['zip', 'a zip archive', /^504b(0304|0506|0708)/],
  ['7z', 'a 7z archive', /^377abcaf271c/],
  ['rar', 'a RAR archive', /^526172211a07/],
  ['cab', 'a cabinet archive', /^4d53434600000000/],
  ['xar', 'a xar archive', /^78617221001c/],
  ['ar', 'an ar archive, as Debian packages are', /^213c617263683e0a/],
  ['wim', 'a Windows image (WIM), which Setup unpacks to a disk', /^(4d5357494d|574c50574d)000000/],
  ['rpm', 'an RPM package', /^edabeedb/],
  ['elf', 'a program (ELF)', /^7f454c46(01|02)/],
  ['pdf', 'a PDF document', /^255044462d/],
];

/** What fits none of the disk formats and is known all the same: something packed, an archive, a package, a program. */
export function parseArchive(source: ByteSource): Header | undefined {
  const hex = source.read(0, 16).toString('hex');
  const compressor = compressors.find(([, magic]) => magic.test(hex));
  if (compressor) return compressed(compressor[0]);
  const other = others.find(([, , magic]) => magic.test(hex));
  if (other) return noImage(other[0], other[1]);
  return isPortableExecutable(source) ? noImage('pe', 'a program for Windows or UEFI') : parseTar(source);
}

function compressed(name: string): Header {
  const advice = `it is packed with ${name}: unpack it first, unless it is an initial RAM disk (--property disk_format=ari)`;
  return {
    format: 'compressed',
    subformat: name,
    details: {},
    references: [],
    findings: [warning('compressed', advice)],
  };
}

function noImage(subformat: string, words: string, more = '', members: readonly string[] = []): Header {
  return {
    format: 'other',
    subformat,
    details: members.length > 0 ? { members } : {},
    references: [],
    findings: [error('format', `it is ${words}, and no disk image${more}`)],
  };
}

function isPortableExecutable(source: ByteSource): boolean {
  const head = source.read(0, 64);
  return isText(head, 0, 'MZ') && isText(source.read(little.u32(head, 60), 4), 0, 'PE\0\0');
}

/** A tar archive; with a description in OVF it is an OVA ("Open Virtualization Format" 2.1, 5.3), which has disks in it. */
function parseTar(source: ByteSource): Header | undefined {
  const members = tarMembers(source);
  if (members.length === 0) return undefined;
  const disks = members.filter((name) => /\.(vmdk|vhdx?|vdi|qcow2|raw|img|iso)(\.gz)?$/i.test(name));
  const isOva = members.some((name) => /\.ovf$/i.test(name));
  const more = disks.length > 0 ? `: \`tar -xf\` takes the disk ${disks.join(', ')} out of it` : '';
  return noImage(isOva ? 'ova' : 'tar', isOva ? 'an OVA' : 'a tar archive', more, members);
}
