import { nearest } from '../text.ts';
import { plain } from './guesses.ts';
import { constOf, type Schema } from './schema.ts';

/** A family of operating systems, and the distribution of it that is not the usual one. */
export type FamilyMeant = { family: string; distribution?: string };

/** Other names of families and distributions. */
const names: Readonly<Record<string, string>> = {
  redhat: 'rhel',
  redhatenterpriselinux: 'rhel',
  enterpriselinux: 'rhel',
  el: 'rhel',
  rockylinux: 'rocky',
  alma: 'almalinux',
  ol: 'oracle',
  oraclelinux: 'oracle',
  centosstream: 'centos-stream',
  stream: 'centos-stream',
  win: 'windows',
  windowsserver: 'windows',
  winserver: 'windows',
  ws: 'windows',
};

/** The family that a word names, `Rocky` or `rhel9` as well as `rhel`; undefined when it is none that vmkiln knows. */
export function familyMeant(word: string, root: Schema): FamilyMeant | undefined {
  const bare = plain(word.replace(/[\d.kx]+$/i, (end) => (/\d/.test(end) ? '' : end)));
  const all = [
    ...Object.keys(names),
    ...(root.oneOf ?? []).flatMap((form) => [String(constOf(form, 'family')), ...distributionsOf(form)]),
  ];
  const found = all.includes(bare) || bare.length < 4 ? bare : (nearest(bare, all) ?? bare);
  const name = names[found] ?? found;
  for (const form of root.oneOf ?? []) {
    const family = String(constOf(form, 'family'));
    if (plain(family) === plain(name)) return { family };
    const distribution = distributionsOf(form).find((each) => plain(each) === plain(name));
    if (distribution !== undefined) return { family, distribution };
  }
  return undefined;
}

/** What to write for it, in words. */
export function familyWritten({ family, distribution }: FamilyMeant): string {
  return `write family: ${family}${distribution === undefined ? '' : ` and distribution: ${distribution}`}`;
}

/** Every family with its distributions, in words. */
export function familiesInWords(root: Schema): string {
  return (root.oneOf ?? [])
    .map((form) => {
      const distributions = distributionsOf(form);
      return `${String(constOf(form, 'family'))}${distributions.length > 0 ? ` (${distributions.join(', ')})` : ''}`;
    })
    .join(', ');
}

function distributionsOf({ properties }: Schema): string[] {
  return (properties?.['distribution']?.enum ?? []).map(String);
}
