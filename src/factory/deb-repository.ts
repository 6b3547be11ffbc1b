import { VmkilnError } from '../errors.ts';
import type { HttpOptions } from '../media/http.ts';
import { fetchPacked, fetchText, unfit } from './fetch.ts';
import { addVersion, type RepositoryState, type Versions } from './versions.ts';

/** Of the images that are built. */
const architecture = 'amd64';

/** Its list of packages in one component, packed or not, with the SHA-256 that its release file has of it. */
type List = { path: string; sha256: string };

/**
 * A suite of an archive of Debian packages: InRelease has the checksums of the lists of its packages (Debian's wiki,
 * "DebianRepository/Format"). A suite that ends in a slash has no components (sources.list(5)). Only InRelease is fetched until somebody
 * wants the versions; its signature is not looked at, for nothing is installed by it.
 *
 * @throws VmkilnError MEDIA_DOWNLOAD, INTERRUPTED.
 */
export async function openDebRepository(
  archive: URL,
  { suite, components }: { suite: string; components: readonly string[] },
  options: HttpOptions,
): Promise<RepositoryState> {
  const base = new URL(suite.endsWith('/') ? suite : `dists/${suite}/`, archive);
  const release = await fetchText(new URL('InRelease', base), options).catch((error: unknown) => {
    if (!(error instanceof VmkilnError) || error.code !== 'MEDIA_DOWNLOAD') throw error;
    return fetchText(new URL('Release', base), options);
  });
  const names = suite.endsWith('/') ? [''] : components.map((each) => `${each}/binary-${architecture}/`);
  const lists = names.map((name) => listsOf(release, `${name}Packages`));
  const missing = names.find((_, index) => lists[index]?.length === 0);
  if (missing !== undefined) throw unfit(base, `has no ${missing}Packages`);
  return {
    digest: lists.map((each) => each[0]?.sha256 ?? '').join(' '),
    versions: async () => {
      const versions: Versions = new Map();
      for (const each of lists) await readPackages(each, base, options, versions);
      return versions;
    },
  };
}

/** The forms of a list that a release file names: in gzip first, which needs no program, then in xz, then unpacked. */
function listsOf(release: string, path: string): List[] {
  const [, section = ''] = /^SHA256:[ \t]*\n((?:[ \t].*\n?)*)/m.exec(release) ?? [];
  const found = [...section.matchAll(/^[ \t]+([0-9a-f]{64})[ \t]+\d+[ \t]+(\S+)/gm)].map(
    ([, sha256 = '', file = '']) => ({
      path: file,
      sha256,
    }),
  );
  return ['.gz', '.xz', ''].flatMap((suffix) => found.filter((each) => each.path === `${path}${suffix}`));
}

async function readPackages(
  lists: readonly List[],
  base: URL,
  options: HttpOptions,
  versions: Versions,
): Promise<void> {
  const [first, ...others] = lists;
  if (first === undefined) return;
  let rest = '';
  let fields: Partial<Record<'Package' | 'Version' | 'Architecture', string>> = {};
  const end = () => {
    const { Package: name, Version: version, Architecture: arch = architecture } = fields;
    if (name !== undefined && version !== undefined) addVersion(versions, { type: 'deb', name, version, arch });
    fields = {};
  };
  try {
    await fetchPacked(new URL(first.path, base), options, (piece) => {
      const lines = (rest + piece).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (line === '') end();
        const [, key, value] = /^(Package|Version|Architecture): *(.*?)\r?$/.exec(line) ?? [];
        if (key !== undefined) fields[key as 'Package'] = value ?? '';
      }
    });
    end();
  } catch (error) {
    // A release file names lists that an archive does not have: unpacked ones, most often.
    const isGone = error instanceof VmkilnError && error.code === 'MEDIA_DOWNLOAD';
    if (!isGone || others.length === 0) throw error;
    await readPackages(others, base, options, versions);
  }
}
