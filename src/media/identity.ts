import { fileName } from './download.ts';
import { locate, readExpected, type WantedMedium } from './find.ts';
import { get, type HttpOptions, redactUrl, withRetries } from './http.ts';

/** What tells a remote file from a later one of the same address: `how` in words, and the value to compare. */
export type Identity = { how: string; value: string };

/**
 * What tells a remote medium from a later one, without downloading it: the digest in its checksum file, or else its validators as
 * RFC 9110 has them (8.8: ETag, Last-Modified), and its length. Undefined for a local file, and for one whose digest the recipe says.
 *
 * @throws VmkilnError MEDIA_DOWNLOAD, MEDIA_CHECKSUM, MEDIA_MISSING, INTERRUPTED.
 */
export async function identityOf(
  { source, sha256 }: WantedMedium,
  options: HttpOptions,
): Promise<Identity | undefined> {
  const place = locate(source);
  if (typeof place === 'string') return undefined;
  const expected = await readExpected(sha256, fileName(place), { ...options, download: true });
  if (expected) {
    return expected.entries.length === 0 ? undefined : { how: 'its checksum file', value: expected.sha256 };
  }
  return withRetries(
    options,
    () => 0,
    () =>
      // Not HEAD: the links that many vendors sign are for GET alone. The connection ends before the body has come.
      get(place, {}, options, async ({ headers }) => {
        const validators = ['etag', 'last-modified', 'content-length'] as const;
        const [how, value] =
          validators.map((name) => [name, headers.get(name)] as const).find(([, text]) => text !== null) ?? [];
        return how && value
          ? { how: names[how], value }
          : { how: 'nothing that its server says', value: redactUrl(place) };
      }),
  );
}

const names = { etag: 'ETag', 'last-modified': 'Last-Modified', 'content-length': 'its length' } as const;
