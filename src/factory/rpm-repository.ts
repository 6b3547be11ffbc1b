import { XMLParser } from 'fast-xml-parser';
import type { HttpOptions } from '../media/http.ts';
import { fetchPacked, fetchText, unfit } from './fetch.ts';
import { addVersion, type RepositoryState, type Versions } from './versions.ts';

/**
 * A repository of RPMs: repodata/repomd.xml names the list of its packages (primary) and has its checksum, as createrepo_c's
 * repomd.rnc and primary.rnc describe them. Only repomd.xml is fetched until somebody wants the versions.
 *
 * @throws VmkilnError MEDIA_DOWNLOAD, INTERRUPTED.
 */
export async function openRpmRepository(base: URL, options: HttpOptions): Promise<RepositoryState> {
  const place = new URL('repodata/repomd.xml', base);
  const primary = primaryOf(await fetchText(place, options));
  if (!primary) throw unfit(place, 'names no list of packages');
  return {
    digest: primary.checksum,
    versions: () => readPrimary(new URL(primary.href, base), options),
  };
}

/** Where the list of packages is, from the base of the repository, and its checksum. */
function primaryOf(repomd: string): { href: string; checksum: string } | undefined {
  const parser = new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: '@',
    isArray: (name) => name === 'data',
    parseTagValue: false,
  });
  type Data = { '@type'?: string; location?: { '@href'?: string }; checksum?: string | { '#text'?: string } };
  const read = parser.parse(repomd) as { repomd?: { data?: Data[] } };
  const found = read.repomd?.data?.find((data) => data['@type'] === 'primary');
  const href = found?.location?.['@href'];
  const checksum = typeof found?.checksum === 'string' ? found.checksum : found?.checksum?.['#text'];
  return href === undefined || checksum === undefined ? undefined : { href, checksum };
}

type Tag = { name: string; attributes: Readonly<Record<string, string>> };

async function readPrimary(url: URL, options: HttpOptions): Promise<Versions> {
  // Only now: the library takes its time to load, and most nights need none of it.
  const { default: sax } = await import('sax');
  const versions: Versions = new Map();
  const parser = sax.parser(true, { position: false });
  let [name, arch, text] = ['', '', ''];
  let inPackage = 0;
  let wrong: Error | undefined;
  Object.assign(parser, {
    onopentag: ({ name: tag, attributes }: Tag) => {
      text = '';
      if (tag === 'package') [name, arch, inPackage] = ['', '', 0];
      inPackage += 1;
      if (tag !== 'version' || inPackage !== 2 || attributes['ver'] === undefined) return;
      const { epoch = '0', ver, rel } = attributes;
      addVersion(versions, {
        ...{ type: 'rpm', name, version: ver, arch },
        ...(epoch !== '0' && { epoch: Number(epoch) }),
        ...(rel !== undefined && { release: rel }),
      });
    },
    ontext: (piece: string) => (text += piece),
    onclosetag: (tag: string) => {
      inPackage -= 1;
      // Of the package itself, not of what it requires: these have their names in attributes.
      if (inPackage !== 1) return;
      if (tag === 'name') name = text.trim();
      if (tag === 'arch') arch = text.trim();
    },
    onerror: (error: Error) => (wrong ??= error),
  });
  await fetchPacked(url, options, (piece) => {
    if (!wrong) parser.write(piece);
  });
  if (!wrong) parser.close();
  if (wrong) throw unfit(url, `is no list of packages: ${wrong.message.split('\n')[0]}`);
  return versions;
}
