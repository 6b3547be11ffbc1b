import { lines, word } from './facts.ts';
import type { Check } from './sight.ts';

/** Names of one zone: the links of tzdata's file `backward` and etcetera. */
const utc = /^(Etc\/)?(UTC|UCT|Universal|Zulu)$/;

/** What the probe says of a file with bits that it should not have. */
const faults: Readonly<Record<string, string>> = {
  writable: 'everybody may write to',
  readable: 'everybody may read',
  setuid: 'where nothing is installed there is a program that runs as its owner:',
  temporary: 'not everybody can use, or anybody can remove what others have in',
};

/** Checks of the system as it is configured, which nothing at a boot replaces. */
export const systemChecks: readonly Check[] = [
  {
    name: 'timezone',
    judge: ({ facts, wanted }) => {
      if (wanted.timezone === undefined) return undefined;
      const found = word(facts, 'timezone')
        .replace(/^.*\/zoneinfo\//, '')
        .replaceAll('"', '');
      if (found === '') return { skipped: 'the system does not name its time zone' };
      const isSame = found === wanted.timezone || (utc.test(found) && utc.test(wanted.timezone));
      return isSame ? undefined : `the time zone is ${found}, not ${wanted.timezone}`;
    },
  },
  {
    name: 'fstab',
    judge: ({ facts }) => {
      const [kind, device, place] = word(facts, 'fstab').split(' ');
      if (kind === 'missing') return `/etc/fstab has ${device} for ${place}, and no file system is called that`;
      return kind === 'name'
        ? `/etc/fstab has ${device} for ${place}, a name that the disk has on some machines only: use its UUID`
        : undefined;
    },
  },
  {
    name: 'permissions',
    judge: ({ facts }) => {
      const [first, ...more] = lines(facts, 'permissions').map((line) => line.split(' '));
      if (first === undefined) return undefined;
      const [kind = '', ...path] = first;
      return `${faults[kind] ?? kind} ${path.join(' ')}${more.length > 0 ? `, and there is more (${more.length})` : ''}`;
    },
  },
  {
    name: 'packages',
    judge: ({ facts }) => {
      const found = lines(facts, 'packages');
      return found.length === 0 ? undefined : `not all packages are installed whole: ${found.slice(0, 5).join(', ')}`;
    },
  },
];
