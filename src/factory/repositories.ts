import { readFile } from 'node:fs/promises';
import type { PackageSources, Repository } from '../families/family.ts';
import type { HttpOptions } from '../media/http.ts';
import { openDebRepository } from './deb-repository.ts';
import type { FactoryEntry } from './form.ts';
import { openRpmRepository } from './rpm-repository.ts';
import type { RepositoryState, Versions } from './versions.ts';

/** A repository that a night looks at, and the PEM files that its server needs. */
export type Watched = Repository & { place: string; files: { cert?: string; key?: string; ca: readonly string[] } };

/** The repositories of an entry: those of its recipe that can be seen, and those that the factory names besides. Pure. */
export function watchedBy(
  { watch = [] }: Pick<FactoryEntry, 'watch'>,
  { repositories, ca }: PackageSources,
): Watched[] {
  const own = repositories.map((each): Watched => ({ ...each, place: placeOf(each), files: { ca } }));
  const more = watch.flatMap(({ rpm, deb, suites = [], components = [], certificate, key, ca: trusted }): Watched[] => {
    const files = {
      ...(certificate !== undefined && { cert: certificate }),
      ...(key !== undefined && { key }),
      ca: trusted === undefined ? [] : [trusted],
    };
    const found: Repository[] =
      rpm !== undefined
        ? [{ type: 'rpm', url: rpm, mirrored: true }]
        : suites.map((suite) => ({ type: 'deb', url: deb ?? '', suite, components, mirrored: true }));
    return found.map((each) => ({ ...each, place: placeOf(each), files }));
  });
  return [...new Map([...own, ...more].map((each) => [each.place, each])).values()];
}

/** What a repository is called, and told from others by. */
function placeOf(repository: Repository): string {
  return repository.type === 'rpm'
    ? repository.url
    : [repository.url, repository.suite, ...repository.components].join(' ');
}

/** Looks at each repository once, whoever asks. */
export type RepositoryReader = {
  state: (watched: Watched) => Promise<RepositoryState>;
  /** What it has, of the moment at which its state was read. */
  versions: (watched: Watched) => Promise<Versions>;
};

/** A reader of repositories for one night. */
export function repositoryReader(options: HttpOptions): RepositoryReader {
  const states = new Map<string, Promise<RepositoryState>>();
  const lists = new Map<string, Promise<Versions>>();
  const once = <T>(known: Map<string, Promise<T>>, key: string, find: () => Promise<T>) => {
    const found = known.get(key) ?? find();
    known.set(key, found);
    return found;
  };
  const state = (watched: Watched) => once(states, keyOf(watched), () => open(watched, options));
  const versions = (watched: Watched) => {
    return once(lists, keyOf(watched), async () => (await state(watched)).versions());
  };
  return { state, versions };
}

function keyOf({ place, files }: Watched): string {
  return JSON.stringify([place, files]);
}

async function open(watched: Watched, options: HttpOptions): Promise<RepositoryState> {
  const { files } = watched;
  const read = (path: string | undefined) => (path === undefined ? undefined : readFile(path, 'utf8'));
  const [cert, key, ...ca] = await Promise.all([read(files.cert), read(files.key), ...files.ca.map(read)]);
  const trusted = ca.filter((text) => text !== undefined);
  const needed = cert !== undefined || trusted.length > 0;
  const tls = { cert, key, ca: trusted.length > 0 ? trusted : undefined };
  const withTls = { ...options, ...(needed && { tls }) };
  const base = new URL(watched.url.endsWith('/') ? watched.url : `${watched.url}/`);
  return watched.type === 'rpm' ? openRpmRepository(base, withTls) : openDebRepository(base, watched, withTls);
}
