import { versionOrder } from '../verify/version-order.ts';
import type { Package } from './inventory.ts';

/** Which of two versions of a package is newer, by the rules of its own system: negative when the first is older. */
export function packageOrder(one: Package, other: Package): number {
  return one.type === 'rpm' ? rpmOrder(one, other) : debOrder(one.version, other.version);
}

/** Epoch, version and release, one after the other (rpmVersionCompare in rpm's lib/rpmver.c); no epoch is epoch 0. */
export function rpmOrder(
  one: Pick<Package, 'epoch' | 'version' | 'release'>,
  other: Pick<Package, 'epoch' | 'version' | 'release'>,
): number {
  return (
    (one.epoch ?? 0) - (other.epoch ?? 0) ||
    versionOrder(one.version, other.version) ||
    versionOrder(one.release ?? '', other.release ?? '')
  );
}

/** The order of dpkg: `[epoch:]upstream[-revision]`, by deb-version(7), "Sorting algorithm". */
export function debOrder(one: string, other: string): number {
  const [a, b] = [split(one), split(other)];
  return a.epoch - b.epoch || textOrder(a.upstream, b.upstream) || textOrder(a.revision, b.revision);
}

function split(version: string): { epoch: number; upstream: string; revision: string } {
  const [, epoch = '0', rest = ''] = /^(?:(\d+):)?(.*)$/s.exec(version) ?? [];
  const dash = rest.lastIndexOf('-');
  const [upstream, revision] = dash === -1 ? [rest, ''] : [rest.slice(0, dash), rest.slice(dash + 1)];
  return { epoch: Number(epoch), upstream, revision };
}

/** Pieces without digits and numbers take turns. Of the former `~` comes before the end, the end before letters, and these before all else. */
function textOrder(one: string, other: string): number {
  const pieces = (text: string) => [...(/^\d/.test(text) ? [''] : []), ...(text.match(/\d+|\D+/g) ?? [])];
  const [a, b] = [pieces(one), pieces(other)];
  for (let index = 0; index < Math.max(a.length, b.length); index += 1) {
    const [x, y] = [a[index] ?? '', b[index] ?? ''];
    const order = index % 2 === 0 ? wordOrder(x, y) : numberOrder(x, y);
    if (order !== 0) return order;
  }
  return 0;
}

function wordOrder(x: string, y: string): number {
  const rank = (character: string | undefined) => {
    if (character === '~') return -1;
    if (character === undefined) return 0;
    return (/[A-Za-z]/.test(character) ? 0 : 256) + (character.codePointAt(0) ?? 0);
  };
  for (let at = 0; at < Math.max(x.length, y.length); at += 1) {
    const order = rank(x[at]) - rank(y[at]);
    if (order !== 0) return order;
  }
  return 0;
}

function numberOrder(x: string, y: string): number {
  const difference = BigInt(x || '0') - BigInt(y || '0');
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}
