import { debVersionOrder, rpmVersionOrder } from '../version-order.ts';
import type { Package } from './inventory.ts';

/** Which of two versions of a package is newer, by the rules of its own system: negative when the first is older. */
export function packageOrder(one: Package, other: Package): number {
  return one.type === 'rpm' ? rpmOrder(one, other) : debVersionOrder(one.version, other.version);
}

/** Epoch, version and release, one after the other (rpmVersionCompare in rpm's lib/rpmver.c); no epoch is epoch 0. */
export function rpmOrder(
  one: Pick<Package, 'epoch' | 'version' | 'release'>,
  other: Pick<Package, 'epoch' | 'version' | 'release'>,
): number {
  return (
    (one.epoch ?? 0) - (other.epoch ?? 0) ||
    rpmVersionOrder(one.version, other.version) ||
    rpmVersionOrder(one.release ?? '', other.release ?? '')
  );
}
