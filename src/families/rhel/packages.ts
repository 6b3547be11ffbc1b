import { closeSync, openSync, readSync } from 'node:fs';
import { basename } from 'node:path';

/**
 * How a package is named, as dnf (`parse_spec_group_file` and `Subject`) and yum (`installPkgs`, `returnPackagesByDep`) read it:
 *
 * - `group`: `@GROUP`, of either a group or an environment;
 * - `environment`: `@^ENVIRONMENT`, which only yum knows by this sign; to dnf it is a group;
 * - `module`: `@MODULE:STREAM/PROFILE`, which only dnf knows;
 * - `url`: an RPM that is fetched;
 * - `file`: an RPM of the user's on this host;
 * - `glob`: a shell pattern;
 * - `name`: NAME, NAME.ARCH, NAME-VERSION with or without epoch and release, a capability, one with a version, a path.
 */
export type PackageForm = 'group' | 'environment' | 'module' | 'url' | 'file' | 'glob' | 'name';

const forms: readonly (readonly [PackageForm, RegExp])[] = [
  ['environment', /^@\^[^\s@^:][^@^:]*$/],
  ['module', /^@[A-Za-z0-9][\w.+-]*(:[\w.+-]+){1,4}(\/[\w.+-]+)?$/],
  ['group', /^@[^\s@^:-][^@^:]*$/],
  ['url', /^(https?|ftp|file):\/\/\S+\.rpm$/],
  ['file', /^(?!-)[^:@]*\.rpm$/],
  ['glob', /^(?=.*[*?[])[A-Za-z0-9_/*?[][A-Za-z0-9._+:/()^~![\]*?-]*$/],
  ['name', /^[A-Za-z0-9_/][A-Za-z0-9._+:/()^~-]*( (=|<|>|<=|>=) [A-Za-z0-9._+:^~-]+)?$/],
];

/** The form of a package; undefined for what neither dnf nor yum takes. */
export function packageForm(text: string): PackageForm | undefined {
  return forms.find(([, pattern]) => pattern.test(text))?.[0];
}

/** Whether a file begins as an RPM does (its lead). */
export function isRpm(file: string): boolean {
  const lead = Buffer.alloc(4);
  const opened = openSync(file, 'r');
  try {
    return readSync(opened, lead) === 4 && lead.readUInt32BE() === 0xedabeedb;
  } finally {
    closeSync(opened);
  }
}

/** Where RPMs of the user's are in the guest while they are installed. */
export const rpmFolder = '/var/tmp/vmkiln-packages';

/** The file that an RPM of the user's becomes in the guest. */
export function rpmPath(file: string): string {
  return `${rpmFolder}/${basename(file)}`;
}

/**
 * What packages.sh installs, and how it sees that it was.
 *
 * dnf fails when it does not find one of several. yum passes over it (`skip_missing_names_on_install`), and fails only when it
 * finds none: what rpm cannot be asked for afterwards is installed by a command of its own, so that yum's status tells.
 */
export type PackageView = {
  /** Words of one command. */
  together: string[];
  /** Words of a command each; `isRpm`: a file or URL, which yum fails for too when it is installed already. */
  alone: { word: string; isRpm: boolean }[];
  /** What rpm is asked for afterwards. */
  provided: string[];
  /** The folder of the user's own RPMs, '' without any. */
  rpms: string;
};

export function packageView(packages: readonly string[], tool: 'yum' | 'dnf'): PackageView {
  const all = packages.map((text) => ({ form: packageForm(text) ?? 'name', text }));
  const isAlone = (form: PackageForm) => tool === 'yum' && form !== 'name';
  const word = ({ form, text }: (typeof all)[number]) => {
    if (form === 'file') return rpmPath(text);
    return form === 'environment' && tool === 'dnf' ? `@${text.slice(2)}` : text;
  };
  return {
    together: all.filter(({ form }) => !isAlone(form)).map(word),
    alone: all
      .filter(({ form }) => isAlone(form))
      .map((each) => ({ word: word(each), isRpm: each.form === 'file' || each.form === 'url' })),
    provided: all.filter(({ form }) => form === 'name').map(({ text }) => installedName(text)),
    rpms: all.some(({ form }) => form === 'file') ? rpmFolder : '',
  };
}

/** The name that rpm knows an installed package by: without an epoch, which older ones do not read, and without a condition. */
function installedName(text: string): string {
  return text
    .replace(/ .*$/, '')
    .replace(/^\d+:(?!:)/, '')
    .replace(/-\d+:(?!:)/, '-');
}
