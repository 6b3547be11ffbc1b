import { existsSync } from 'node:fs';
import { textsFromIso } from '../../media/iso.ts';
import type { Media } from '../../model.ts';
import type { RhelRecipe } from './recipe.ts';

/** What a medium says about itself; what it says nothing about is undefined. */
export type SaidMedium = { family?: string; version?: string; arch?: string };

/** What a recipe expects of its medium. */
export type ExpectedMedium = {
  /** The system, for people. */
  title: string;
  /** What `family` of its .treeinfo is. */
  family: RegExp;
  release: string;
  /** Whether its media may have the major release alone. */
  majorOnly: boolean;
};

/** What the medium of a recipe has to be: the one place that says so. */
export function expectedMedium({ release }: RhelRecipe): ExpectedMedium {
  return { title: 'RHEL', family: /^Red Hat Enterprise Linux/, release, majorOnly: false };
}

/** What is wrong with the ISO of a recipe, if it is there; virt-install would find no kernel in it, or install another system. */
export async function checkMedium(recipe: RhelRecipe, { iso }: Media): Promise<string[]> {
  if (iso === undefined || !existsSync(iso.path)) return [];
  const texts = await textsFromIso(iso.path, ['.treeinfo', '.discinfo']);
  if (!texts) return [`${iso.source} is no ISO image`];
  return mediumProblems(readMedium(texts), expectedMedium(recipe)).map((problem) => `${iso.source} ${problem}`);
}

/**
 * What `.treeinfo` and `.discinfo` say. Installation DVDs have both, the second is all that a boot.iso has: the time, the name
 * and version or the version alone, and the architecture, each on a line (lorax's `discinfo.py`, pungi's `media_split.py`).
 */
export function readMedium(texts: Readonly<Record<string, string>>): SaidMedium | undefined {
  const { '.treeinfo': tree, '.discinfo': disc } = texts;
  if (tree !== undefined) {
    const said = (section: string, key: string) => iniValue(tree, section, key);
    return whole({
      // productmd writes both; RHEL 6 and 7 have the second alone.
      family: said('release', 'name') ?? said('general', 'family'),
      version: said('release', 'version') ?? said('general', 'version'),
      arch: said('tree', 'arch') ?? said('general', 'arch'),
    });
  }
  if (disc === undefined) return undefined;
  const [, name = '', arch] = disc.split(/\r?\n/).map((line) => line.trim());
  const [, family, version] = /^(.*?)[\s-]*(\d+(?:\.\d+)*)?$/.exec(name) ?? [];
  return whole({ family: family || undefined, version, arch: arch || undefined });
}

function whole(said: { [Key in keyof SaidMedium]: SaidMedium[Key] | undefined }): SaidMedium {
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
}

/** A value of an INI file. */
function iniValue(text: string, section: string, key: string): string | undefined {
  let here = '';
  for (const line of text.split(/\r?\n/)) {
    here = /^\[(.*)\]/.exec(line.trim())?.[1] ?? here;
    const [, name, value] = /^\s*([\w.-]+)\s*[=:]\s*(.*?)\s*$/.exec(line) ?? [];
    if (here === section && name === key && value) return value;
  }
  return undefined;
}

/** Where a medium differs from what is expected: predicates of its name. Pure. */
export function mediumProblems(said: SaidMedium | undefined, expected: ExpectedMedium): string[] {
  const { title, family, release } = expected;
  if (!said) return [`has no .treeinfo and no .discinfo: it is no installation medium of ${title}`];
  // Of another system nothing else has to be said.
  if (said.family !== undefined && !family.test(said.family)) {
    return [`is a medium of ${[said.family, said.version].filter(Boolean).join(' ')}, not of ${title} ${release}`];
  }
  return [
    ...(said.version !== undefined && !isRelease(said.version, expected)
      ? [`is a medium of ${title} ${said.version}, and release is "${release}"`]
      : []),
    ...(said.arch !== undefined && said.arch !== 'x86_64' ? [`is for ${said.arch}, and the machine is x86_64`] : []),
  ];
}

/** Some releases of RHEL 8 have a third number (osinfo-db). */
function isRelease(version: string, { release, majorOnly }: ExpectedMedium): boolean {
  return version === release || version.startsWith(`${release}.`) || (majorOnly && version === release.split('.')[0]);
}
