import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Change, type Difference, diffInventories, isSame } from '../../src/describe/diff.ts';
import type { Inventory } from '../../src/describe/inventory.ts';
import { differenceSummary } from '../../src/describe/summary.ts';
import { differenceMarkdown, differenceText } from '../../src/ui/difference-text.ts';
import { inventory } from '../support/inventory.ts';

/** Changes, each with the section and the name that have to tell of it. */
const plants: readonly [string, string, (now: Inventory) => void][] = [
  ['packages', 'bash.x86_64', (now) => void Object.assign(now.packages[0] ?? {}, { release: '35.el7' })],
  ['packages', 'bash.x86_64', (now) => void Object.assign(now.packages[0] ?? {}, { epoch: 1 })],
  ['packages', 'bash.x86_64', (now) => void Object.assign(now.packages[0] ?? {}, { vendor: 'Somebody' })],
  ['packages', 'bash.x86_64', (now) => void now.packages.shift()],
  ['packages', 'kernel.x86_64', (now) => void now.packages.splice(2, 1)],
  [
    'packages',
    'zsh.noarch',
    (now) => void now.packages.push({ type: 'rpm', name: 'zsh', version: '5', arch: 'noarch' }),
  ],
  ['services', 'sshd.service', (now) => void now.services.pop()],
  ['services', 'sshd.service', (now) => void Object.assign(now.services[1] ?? {}, { state: 'masked', targets: [] })],
  [
    'services',
    'telnet.socket',
    (now) => void now.services.push({ name: 'telnet.socket', state: 'enabled', targets: ['sockets.target'] }),
  ],
  ['users', 'root', (now) => void Object.assign(now.users[1] ?? {}, { password: 'set' })],
  ['users', 'cloud-user', (now) => void Object.assign(now.users[0] ?? {}, { groups: ['cloud-user', 'wheel'] })],
  ['users', 'cloud-user', (now) => void Object.assign(now.users[0] ?? {}, { uid: 0 })],
  ['users', 'cloud-user', (now) => void Object.assign(now.users[0] ?? {}, { shell: '/sbin/nologin' })],
  ['kernels', 'default entry', (now) => void Object.assign(now.boot, { default: 'Other' })],
  [
    'kernels',
    '/vmlinuz-3.10.0-1160.el7.x86_64',
    (now) => void Object.assign(now.boot.entries[0] ?? {}, { options: 'ro quiet' }),
  ],
  ['kernels', '/vmlinuz-4', (now) => void now.boot.entries.push({ kernel: '/vmlinuz-4', options: '' })],
  ['filesystems', '/dev/sda1', (now) => void Object.assign(now.filesystems[0] ?? {}, { type: 'ext4' })],
  ['filesystems', '/dev/sda1', (now) => void Object.assign(now.filesystems[0] ?? {}, { size: 1 })],
  ['sizes', 'image', (now) => void Object.assign(now.image, { size: 1 })],
  ['sizes', 'image', (now) => void Object.assign(now.image, { virtualSize: 1 })],
  ['system', 'system', (now) => void Object.assign(now.system, { version: '7.8' })],
  ['ports', 'tcp 23', (now) => void now.ports?.push({ protocol: 'tcp', port: 23 })],
  ['files', '/etc/motd', (now) => void Object.assign(now.files['/etc/motd'] ?? {}, { sha256: 'c'.repeat(64) })],
  ['files', '/etc/motd', (now) => void Object.assign(now.files['/etc/motd'] ?? {}, { mode: '4755' })],
  ['files', '/etc/motd', (now) => void Object.assign(now.files['/etc/motd'] ?? {}, { uid: 1000 })],
  ['files', '/etc/motd', (now) => void delete now.files['/etc/motd']],
  ['files', '/etc/new', (now) => void Object.assign(now.files, { '/etc/new': { mode: '0644', uid: 0, gid: 0 } })],
  ['files', '/etc/localtime', (now) => void Object.assign(now.files['/etc/localtime'] ?? {}, { link: '/dev/null' })],
];

/** The inventory with thirty more of everything that there are many of. */
function large(): Inventory {
  const base = inventory();
  const many = Array.from({ length: 30 }, (_, index) => `thing-${index}`);
  return {
    ...base,
    packages: [...base.packages, ...many.map((name) => ({ type: 'rpm' as const, name, version: '1.0', release: '1' }))],
    services: [...base.services, ...many.map((name) => ({ name, state: 'enabled' as const, targets: ['a.target'] }))],
    users: [...base.users, ...many.flatMap((name) => base.users.slice(0, 1).map((user) => ({ ...user, name })))],
    boot: { ...base.boot, entries: [...base.boot.entries, ...many.map((kernel) => ({ kernel, options: 'ro' }))] },
    filesystems: [...base.filesystems, ...many.map((device) => ({ device, type: 'ext4', size: 1 }))],
    files: {
      ...base.files,
      ...Object.fromEntries(many.map((name) => [name, { mode: '0644', uid: 0, gid: 0, link: 'x' }])),
    },
  };
}

/** A thing of a list: `change` alters it, or leaves it as the new one that is added beside it. */
function listed<T>(
  section: string,
  list: (now: Inventory) => T[],
  key: keyof T,
  change: (one: T) => object,
): { section: string; name: string; plant: (now: Inventory, kind: Change['kind']) => void }[] {
  return Array.from({ length: 30 }, (_, index) => `thing-${index}`).map((name) => ({
    section,
    name,
    plant: (now, kind) => {
      const all = list(now);
      const at = all.findIndex((each) => each[key] === name);
      const one = all[at] as T;
      if (kind === 'added') all.splice(at, 0, { ...one, [key]: `new-${name}` });
      else if (kind === 'removed') all.splice(at, 1);
      else all[at] = { ...one, ...change(one) };
    },
  }));
}

/** Where a change can be planted, each once. */
const places = [
  ...listed(
    'packages',
    (now) => now.packages,
    'name',
    () => ({ version: '1.0~rc1' }),
  ),
  ...listed(
    'services',
    (now) => now.services,
    'name',
    () => ({ state: 'masked', targets: [] }),
  ),
  ...listed(
    'users',
    (now) => now.users,
    'name',
    ({ shell }) => ({ shell: `${shell}x` }),
  ),
  ...listed(
    'kernels',
    (now) => now.boot.entries,
    'kernel',
    () => ({ options: 'ro quiet' }),
  ),
  ...listed(
    'filesystems',
    (now) => now.filesystems,
    'device',
    () => ({ type: 'xfs' }),
  ),
  ...Array.from({ length: 30 }, (_, index) => `thing-${index}`).map((name) => ({
    section: 'files',
    name,
    plant: (now: Inventory, kind: Change['kind']) => {
      const file = now.files[name];
      if (kind === 'removed') delete now.files[name];
      else if (file) now.files[kind === 'added' ? `new-${name}` : name] = kind === 'added' ? file : { ...file, gid: 4 };
    },
  })),
];

const opposite: Readonly<Record<string, string>> = { ' added ': ' removed ', ' removed ': ' added ' };

const told = ({ changes }: Difference) =>
  Object.entries(changes)
    .flatMap(([section, list]) => list.map(({ kind, name }) => `${section} ${kind} ${name}`))
    .toSorted();

const named = ({ changes }: Difference) =>
  Object.entries(changes).flatMap(([section, list]) => list.map(({ name }) => `${section} ${name}`));

describe('the difference of two images', () => {
  test('names each change, and nothing else', () => {
    for (const [section, name, plant] of plants) {
      const now = inventory();
      plant(now);
      expect(named(diffInventories(inventory(), now))).toEqual([`${section} ${name}`]);
      // Whatever was planted is undone the other way round.
      expect(named(diffInventories(now, inventory()))).toEqual([`${section} ${name}`]);
      expect(differenceText(diffInventories(inventory(), now))).toContain(name);
      expect(differenceMarkdown(diffInventories(inventory(), now))).toContain(name);
    }
  });

  test('names any hundred changes, in both directions, and nothing else', () => {
    const sets = fc.shuffledSubarray(places, { minLength: 100, maxLength: 100 });
    const kinds = fc.infiniteStream(fc.constantFrom('added', 'removed', 'changed'));
    fc.assert(
      fc.property(sets, kinds, (chosen, stream) => {
        const now = large();
        const wanted = chosen.map(({ section, name, plant }) => {
          const kind = stream.next().value as Change['kind'];
          plant(now, kind);
          return `${section} ${kind} ${kind === 'added' ? `new-${name}` : name}`;
        });
        const found = diffInventories(large(), now);
        expect(told(found)).toEqual(wanted.toSorted());
        expect(told(diffInventories(now, large()))).toEqual(
          wanted.map((each) => each.replace(/ (added|removed) /, (kind) => opposite[kind] ?? kind)).toSorted(),
        );
        const text = differenceText(found);
        expect(chosen.filter(({ name }) => !text.includes(name))).toEqual([]);
      }),
      { numRuns: 25 },
    );
  });

  test('names what changes of one package among several of its name, or of its version', () => {
    const now = inventory();
    Object.assign(now.packages[2] ?? {}, { vendor: 'Somebody' });
    expect(named(diffInventories(inventory(), now))).toEqual(['packages kernel.x86_64']);
    const twice = (count: number) => ({
      ...inventory(),
      packages: Array.from({ length: count }, () => ({ type: 'windows' as const, name: 'Runtime', version: '14' })),
    });
    expect(told(diffInventories(twice(2), twice(3)))).toEqual(['packages added Runtime']);
    expect(isSame(diffInventories(twice(2), twice(2)))).toBe(true);
  });

  test('says nothing of ports where one image was not booted', () => {
    const { ports: _, ...unknown } = inventory();
    expect(isSame(diffInventories(unknown, inventory()))).toBe(true);
  });

  test('names a hundred changes at once', () => {
    const now = inventory();
    for (let index = 0; index < 100; index += 1)
      now.files[`/etc/planted-${index}`] = { mode: '0644', uid: 0, gid: 0, sha256: 'd' };
    for (let index = 0; index < 50; index += 1) now.packages.push({ type: 'rpm', name: `more-${index}`, version: '1' });
    const found = diffInventories(inventory(), now);
    expect(found.changes.files).toHaveLength(100);
    expect(found.changes.packages).toHaveLength(50);
    expect(differenceSummary(found)).toBe('packages: 50 added; files below /etc: 100 added');
  });

  test('says which way a version went, by the order of its system', () => {
    const direction = (type: 'rpm' | 'deb', from: string, to: string) => {
      const [one, other] = [from, to].map((version) => ({ ...inventory(), packages: [{ type, name: 'x', version }] }));
      return one && other && diffInventories(one, other).changes.packages[0]?.direction;
    };
    expect(direction('rpm', '9.9', '9.10')).toBe('upgraded');
    expect(direction('rpm', '1.0', '1.0~rc1')).toBe('downgraded');
    expect(direction('rpm', '1.0', '1.0^git')).toBe('upgraded');
    expect(direction('deb', '1.0-9', '1.0-10')).toBe('upgraded');
    expect(direction('deb', '2:1.0', '9.0')).toBe('downgraded');
    expect(direction('deb', '1.0~beta', '1.0')).toBe('upgraded');
  });

  test('is told for people', () => {
    const now = inventory();
    now.packages[0] = { ...inventory().packages[0], type: 'rpm', name: 'bash', version: '4.2.46', release: '35.el7' };
    now.users.pop();
    const text = differenceText(diffInventories(inventory(), now));
    expect(text).toContain('~ bash.x86_64  4.2.46-34.el7 → 4.2.46-35.el7');
    expect(text).toContain('- root');
    expect(differenceText(diffInventories(inventory(), inventory()))).toBe('no difference\n');
  });

  test('obeys no name that a guest chose', () => {
    const now = inventory();
    now.files['/etc/a`|\u001b[2J'] = { mode: '0644', uid: 0, gid: 0 };
    const found = diffInventories(inventory(), now);
    expect(differenceText(found)).not.toContain('\u001b');
    expect(differenceMarkdown(found)).toContain(String.raw`'\|\u{1b}[2J`);
  });
});
