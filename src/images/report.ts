import { diskFormatOf } from './disk-format.ts';
import type { ImageFile } from './file.ts';
import type { ImageFinding, Reference } from './header.ts';
import type { Inspection } from './inspect.ts';
import { derivedProperties } from './properties.ts';
import type { Overrides } from './properties.ts';

/** What `vmkiln inspect --json` prints. Sizes are in bytes, but for the property `min_disk`, in GiB. */
export type Report = ReturnType<typeof reportOf>;

/** Everything found about an image as one plain value, and the Image service properties that follow. */
export function reportOf(file: ImageFile, image: Inspection, overrides: Overrides) {
  const { table, guests } = image;
  const isImage = image.format !== 'compressed' && image.format !== 'other';
  const called = isImage ? { ...image, format: diskFormatOf(file.name, image.format) } : image;
  const { properties, findings } = derivedProperties(called, table, guests[0], overrides);
  return {
    file: file.path,
    fileSize: file.size,
    allocated: file.allocated,
    format: image.format,
    ...(image.subformat !== undefined && { subformat: image.subformat }),
    ...(image.virtualSize !== undefined && { virtualSize: image.virtualSize }),
    details: image.details,
    selfContained: image.selfContained,
    references: image.references,
    ...(table && { partitionTable: { ...table, findings: undefined } }),
    guests,
    ...(image.guestSkipped !== undefined && { guestSkipped: image.guestSkipped }),
    findings: [...image.references.map(outside), ...image.findings, ...several(guests.length), ...findings],
    properties: Object.fromEntries(properties.map(({ name, value }) => [name, value])),
    because: Object.fromEntries(properties.map(({ name, because }) => [name, because])),
  };
}

function outside({ kind, name }: Reference): ImageFinding {
  const message = `it needs another file, its ${kind} ${JSON.stringify(name)}, which was not opened`;
  return { level: 'error', code: kind.replace(' ', '-'), message };
}

function several(guests: number): ImageFinding[] {
  const message = `there are ${guests} operating systems on it: the properties follow from the first`;
  return guests > 1 ? [{ level: 'warning', code: 'several-guests', message }] : [];
}
