import { printable } from '../images/text.ts';
import { byText, type Repository } from './inventory.ts';

/** More than any system has: whoever made an image may have written anything into it. */
const most = 1000;

/**
 * What packages came from, as `packages.sh` has noted it in the guest: sha256sum's lines about the files in the caches of dnf
 * (`/var/cache/dnf/ID-HASH/repodata/repomd.xml`), yum (`/var/cache/yum/ARCH/RELEASE/ID/repomd.xml`) and APT, which names its files by their
 * addresses (`/var/lib/apt/lists/deb.debian.org_debian_dists_bookworm_InRelease`).
 */
export function repositoriesOf(noted: string): Repository[] {
  const found = [...noted.matchAll(/^([0-9a-f]{64}) [ *](\/\S+)$/gm)].slice(0, most);
  return found
    .map(([, sha256 = '', path = '']) => ({ name: printable(nameOf(path)), sha256 }))
    .toSorted((a, b) => byText(a.name, b.name));
}

function nameOf(path: string): string {
  const parts = path.split('/');
  const file = parts.at(-1) ?? '';
  if (file !== 'repomd.xml') return file.replace(/_((?:In)?Release)$/, '/$1');
  const isDnf = parts.at(-2) === 'repodata';
  const id = isDnf ? parts.at(-3)?.replace(/-[0-9a-f]{16}$/, '') : parts.at(-2);
  return `${id}/${file}`;
}
