import { type Change, type Difference, isSame, sections } from './diff.ts';

/** What people call the parts of an image. */
export const titles: Readonly<Record<(typeof sections)[number], string>> = {
  system: 'System',
  sizes: 'Sizes',
  packages: 'Packages',
  services: 'Services',
  users: 'Users',
  kernels: 'Kernels',
  filesystems: 'File systems',
  ports: 'Open ports',
  files: 'Files below /etc',
};

/** A difference in one line: `packages: 3 upgraded, 1 added; services: 1 removed`. */
export function differenceSummary({ version, changes }: Difference): string {
  if (isSame({ version, changes })) return 'no difference';
  return sections
    .filter((section) => changes[section].length > 0)
    .map((section) => `${titles[section].toLowerCase()}: ${countText(changes[section])}`)
    .join('; ');
}

/** `3 upgraded, 1 added` */
export function countText(changes: readonly Change[]): string {
  const counts = new Map<string, number>();
  for (const { kind, direction } of changes) {
    const word = direction ?? kind;
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  const order = ['upgraded', 'downgraded', 'changed', 'added', 'removed'];
  return order.flatMap((word) => (counts.has(word) ? [`${counts.get(word)} ${word}`] : [])).join(', ');
}
