import { byText, fullVersion, type Package } from './inventory.ts';

const fields = ['NAME', 'EPOCH', 'VERSION', 'RELEASE', 'ARCH', 'SOURCERPM', 'VENDOR', 'LICENSE'] as const;

/** The format for `rpm -qa --queryformat` whose lines `rpmPackages` reads. It holds no quotes and no line end. */
export const rpmFormat = `${fields.map((field) => `%{${field}}`).join('\\t')}\\n`;

/** The packages of an rpm database. The public keys that it keeps among them (gpg-pubkey) are none. */
export function rpmPackages(printed: string): Package[] {
  return printed.split('\n').flatMap((line) => {
    const values = line.split('\t');
    const [name, epoch, version, release, arch, source, vendor, license] = values.map((value) =>
      value === '(none)' || value === '' ? undefined : value,
    );
    if (values.length !== fields.length || name === undefined || name === 'gpg-pubkey') return [];
    return [
      {
        type: 'rpm' as const,
        name,
        ...(epoch !== undefined && { epoch: Number(epoch) }),
        version: version ?? '',
        ...(release !== undefined && { release }),
        ...(arch !== undefined && { arch }),
        ...(source !== undefined && { source }),
        ...(license !== undefined && { license }),
        ...(vendor !== undefined && { vendor }),
      },
    ];
  });
}

/**
 * The packages of a dpkg database (/var/lib/dpkg/status, in the form of deb822(5)) whose files are there: the third word of a
 * status says so (dpkg-query(1)).
 */
export function debPackages(status: string): Package[] {
  return status.split(/\n\s*\n/).flatMap((paragraph) => {
    const values = new Map(
      [...paragraph.matchAll(/^([A-Za-z-]+):[ \t]*(.*)$/gm)].map(([, key = '', value = '']) => [key, value.trim()]),
    );
    const [name, version] = [values.get('Package'), values.get('Version')];
    const state = values.get('Status')?.split(' ')[2] ?? '';
    if (name === undefined || version === undefined || ['', 'not-installed', 'config-files'].includes(state)) return [];
    const [arch, source] = [values.get('Architecture'), values.get('Source')];
    return [{ type: 'deb' as const, name, version, ...(arch && { arch }), ...(source && { source }) }];
  });
}

/** Programs of Windows as guestfish prints its list of applications (`inspect-list-applications2`). */
export function windowsPrograms(printed: string): Package[] {
  return printed.split(/^\[\d+\] = \{$/m).flatMap((entry) => {
    const value = (key: string) => new RegExp(`^ {2}app2_${key}: (.+)$`, 'm').exec(entry)?.[1]?.trim();
    const name = value('display_name') ?? value('name');
    const vendor = value('publisher');
    if (name === undefined) return [];
    return [{ type: 'windows' as const, name, version: value('version') ?? '', ...(vendor && { vendor }) }];
  });
}

/** Packages in an order of their own, whatever the database has them in. */
export function inOrder(packages: readonly Package[]): Package[] {
  const key = (each: Package) => [each.type, each.name, each.arch ?? '', fullVersion(each)].join('\0');
  return packages.toSorted((a, b) => byText(key(a), key(b)));
}
