import { describe, expect, test } from 'vitest';
import { type Difference, diffInventories, isSame } from '../../src/describe/diff.ts';
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
