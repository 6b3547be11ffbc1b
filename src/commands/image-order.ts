import { VmkilnError } from '../errors.ts';
import type { Image } from '../openstack/image-api.ts';
import { didYouMean } from '../text.ts';

/** What the service sorts by (`_available_sort_keys` in glance/api/v2/images.py). */
const sortKeys = ['name', 'status', 'container_format', 'disk_format', 'size', 'id', 'created_at', 'updated_at'];

/**
 * The order that `--sort` asks for: `keys` as the service takes it, and the same to put several lists together. Ascending
 * unless it says `desc`, as in the `openstack` client; the service itself would descend.
 *
 * @throws VmkilnError USAGE
 */
export function imageOrder(text: string): { keys: string; compare: (a: Image, b: Image) => number } {
  const all = text.split(',').map((part) => {
    const [key = '', direction = 'asc', ...more] = part.trim().split(':');
    if (!sortKeys.includes(key))
      throw wrong(`--sort ${text}: images are not sorted by ${key || 'nothing'}${didYouMean(key, sortKeys)}`);
    if (!['asc', 'desc'].includes(direction) || more.length > 0)
      throw wrong(`--sort ${text}: ${part} has no direction`);
    return { key, direction };
  });
  return {
    keys: all.map(({ key, direction }) => `${key}:${direction}`).join(','),
    compare: (a, b) => {
      for (const { key, direction } of all) {
        const order = compareValues(a[key], b[key]);
        if (order !== 0) return direction === 'asc' ? order : -order;
      }
      return 0;
    },
  };
}

/** Nothing comes first, as in the databases of the service. Text by its characters, whatever the language. */
function compareValues(a: unknown, b: unknown): number {
  const [x, y] = [a ?? '', b ?? ''] as [string | number, string | number];
  return x < y ? -1 : x > y ? 1 : 0;
}

function wrong(message: string): VmkilnError {
  return new VmkilnError('USAGE', message, {
    hint: `write KEY or KEY:asc or KEY:desc, several with commas; the keys are ${sortKeys.join(', ')}`,
  });
}
