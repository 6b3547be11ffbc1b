import { fullVersion, imageName, type Inventory, type Package, type System } from './inventory.ts';
import { purlOf } from './purl.ts';

/** What nobody has said, in the words of SPDX. */
const unknown = 'NOASSERTION';

/**
 * The software bill of materials of an image as SPDX 2.3 in JSON (spdx.github.io/spdx-spec/v2.3). The same inventory gives the same text: its time,
 * which SPDX wants, is the beginning of 1970.
 */
export function spdxOf({ image, system, packages }: Inventory, vmkiln: string): string {
  const name = imageName({ system });
  const all = packages.map((each, index) => packageOf(each, `SPDXRef-Package-${index + 1}`, system));
  const whole = {
    SPDXID: 'SPDXRef-Image',
    name,
    downloadLocation: unknown,
    filesAnalyzed: false,
    primaryPackagePurpose: 'OPERATING_SYSTEM',
    ...(system.version !== undefined && { versionInfo: system.version }),
    checksums: [{ algorithm: 'SHA256', checksumValue: image.sha256 }],
    ...nobody,
  };
  const relation = (from: string, type: string, to: string) => {
    return { spdxElementId: from, relationshipType: type, relatedSpdxElement: to };
  };
  const document = {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name,
    documentNamespace: `https://github.com/vmkiln/vmkiln/spdx/${image.sha256}`,
    creationInfo: { created: '1970-01-01T00:00:00Z', creators: [`Tool: vmkiln-${vmkiln}`] },
    packages: [whole, ...all],
    relationships: [
      relation('SPDXRef-DOCUMENT', 'DESCRIBES', whole.SPDXID),
      ...all.map(({ SPDXID }) => relation(whole.SPDXID, 'CONTAINS', SPDXID)),
    ],
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

const nobody = { licenseConcluded: unknown, licenseDeclared: unknown, copyrightText: unknown };

/** A license in the words of a package's database is no expression of SPDX: it is a comment. */
function packageOf(each: Package, SPDXID: string, system: System) {
  return {
    SPDXID,
    name: each.name,
    versionInfo: fullVersion(each),
    downloadLocation: unknown,
    filesAnalyzed: false,
    ...nobody,
    ...(each.license !== undefined && { licenseComments: each.license }),
    ...(each.vendor !== undefined && { supplier: `Organization: ${each.vendor}` }),
    externalRefs: [
      { referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: purlOf(each, system) },
    ],
  };
}
