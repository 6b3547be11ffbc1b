import { Enums, Models, Serialize, Spec } from '@cyclonedx/cyclonedx-library';
import { fullVersion, imageName, type Inventory, type Package, type System } from './inventory.ts';
import { purlOf } from './purl.ts';

/**
 * The software bill of materials of an image: CycloneDX 1.6 as JSON. The same inventory gives the same text, so it has no time, and a
 * serial number that follows from the image.
 */
export function sbomOf(inventory: Inventory, vmkiln: string): string {
  const { image, system, packages } = inventory;
  const bom = new Models.Bom({ serialNumber: `urn:uuid:${uuidOf(image.sha256)}`, version: 1 });
  bom.metadata.tools.components.add(
    new Models.Component(Enums.ComponentType.Application, 'vmkiln', { version: vmkiln }),
  );
  bom.metadata.component = new Models.Component(Enums.ComponentType.File, imageName(inventory), {
    bomRef: 'image',
    hashes: new Models.HashDictionary([[Enums.HashAlgorithm['SHA-256'], image.sha256]]),
  });
  const os = systemComponent(system);
  const seen = new Map<string, number>();
  const named = (purl: string) => {
    const count = (seen.get(purl) ?? 0) + 1;
    seen.set(purl, count);
    // The library would give a second one of that name a random one.
    return count === 1 ? purl : `${purl}#${count}`;
  };
  for (const component of [os, ...packages.map((each) => packageComponent(each, system, named))]) {
    bom.components.add(component);
    bom.metadata.component.dependencies.add(component.bomRef);
  }
  const factory = new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6);
  const text = new Serialize.JsonSerializer(factory).serialize(bom, { sortLists: true, space: 2 });
  return `${text}\n`;
}

/** Scanners tell by it whose advisories they have to read. */
function systemComponent({ type, distro, version, product }: System): Models.Component {
  return new Models.Component(Enums.ComponentType.OperatingSystem, distro ?? type, {
    bomRef: 'operating-system',
    ...(version !== undefined && { version }),
    ...(product !== undefined && { description: product }),
  });
}

function packageComponent(each: Package, system: System, named: (purl: string) => string): Models.Component {
  const purl = purlOf(each, system);
  const component = new Models.Component(Enums.ComponentType.Library, each.name, {
    bomRef: named(purl),
    version: fullVersion(each),
    purl,
    ...(each.vendor !== undefined && { supplier: new Models.OrganizationalEntity({ name: each.vendor }) }),
  });
  // What rpm calls a licence is no expression of SPDX before Fedora's of 2022.
  if (each.license !== undefined) component.licenses.add(new Models.NamedLicense(each.license));
  return component;
}

/** A UUID (version 8 of RFC 9562) from the first digits of a SHA-256. */
function uuidOf(sha256: string): string {
  const hex = `${sha256.slice(0, 12)}8${sha256.slice(13, 16)}8${sha256.slice(17, 32)}`;
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
