import { PackageURL } from 'packageurl-js';
import { fullVersion, type Package, type System } from './inventory.ts';

/** Who makes a distribution, where its packages go by that name: purl-spec, types/rpm-definition.json and the examples of its type. */
const makers: Readonly<Record<string, string>> = { rhel: 'redhat', ol: 'oracle', sles: 'suse' };

/** The package URL of a package: `pkg:rpm/redhat/bash@4.2.46-34.el7?arch=x86_64&distro=rhel-7.9`. A program of Windows is generic. */
export function purlOf(each: Package, { distro, version }: System): string {
  const { type, name, arch, epoch, source } = each;
  if (type === 'windows') return new PackageURL('generic', null, name, each.version || null, null, null).toString();
  const qualifiers = {
    ...(arch !== undefined && { arch }),
    ...(distro !== undefined && { distro: version === undefined ? distro : `${distro}-${version}` }),
    ...(epoch !== undefined && { epoch: String(epoch) }),
    ...(source !== undefined && { upstream: source.replace(/ \((.*)\)$/, '@$1') }),
  };
  const namespace = distro === undefined ? null : (makers[distro] ?? distro);
  // The epoch of an rpm is a qualifier, that of a deb part of its version.
  const { epoch: _, ...plain } = each;
  return new PackageURL(type, namespace, name, fullVersion(plain), qualifiers, null).toString();
}
