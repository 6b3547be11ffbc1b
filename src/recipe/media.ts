/** The media that a recipe's `source` may name, by role, and the key of each one's checksum. */
const checksumKeys = {
  iso: 'sha256',
  image: 'sha256',
  virtioIso: 'virtioSha256',
  cloudbaseInitMsi: 'cloudbaseInitSha256',
} as const;

type Source = Readonly<Record<string, string | undefined>>;

/** A medium of a recipe: its role, which is its key in `source`, and where it and its checksum are found. */
type NamedMedium = { role: string; source: string; sha256?: string };

/** The media of a recipe. */
export function mediaOf(source: Source): NamedMedium[] {
  return Object.entries(checksumKeys).flatMap(([role, checksum]) => {
    const [place, sha256] = [source[role], source[checksum]];
    return place === undefined ? [] : [{ role, source: place, ...(sha256 && { sha256 }) }];
  });
}

/** A `source` with every place and checksum replaced by what the functions make of them. */
export function mapMedia<S extends Source>(
  source: S,
  place: (text: string, role: string) => string,
  checksum: (text: string) => string,
): S {
  const changed = mediaOf(source).flatMap(({ role, source: text, sha256 }): [string, string][] => [
    [role, place(text, role)],
    ...(sha256 === undefined
      ? []
      : [[checksumKeys[role as keyof typeof checksumKeys], checksum(sha256)] as [string, string]]),
  ]);
  return { ...source, ...Object.fromEntries(changed) };
}
