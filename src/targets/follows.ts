import { wayTo } from '../images/disk-format.ts';
import type { Detected } from '../images/detect.ts';
import { type OutputFormat, outputFormatOf, type OutputOptions } from '../images/output-format.ts';
import { derivedProperties } from '../images/properties.ts';
import type { ImageToPublish } from './target.ts';

/** What follows from the contents of an image: properties, and the smallest disk in GiB. */
export type Follows = { minDisk?: number; properties: Readonly<Record<string, string>> };

/** Fields of an image in the service, which are no properties. */
const fields: readonly string[] = ['disk_format', 'container_format', 'min_disk'];

/** The adapter that QEMU gives a VMDK by itself. */
const adapterType = 'ide';

/** What an image is converted to for a cloud: of several variants the one that clouds expect. */
export function cloudOutput(format: string): OutputFormat {
  const to = format as OutputOptions['to'];
  return outputFormatOf(to === 'vmdk' ? { to, subformat: 'streamOptimized', adapterType } : { to });
}

/**
 * What `vmkiln inspect` would say of an image in the Image service, as one of `format`, beside what is `said` of it. Of an
 * image that nobody has inspected, or that is unfit, nothing follows.
 */
export function followsFrom(
  { inspection, unfit }: ImageToPublish,
  format: string,
  said: Readonly<Record<string, string>>,
): Follows {
  if (!inspection || unfit) return { properties: {} };
  const image = publishedAs(inspection, format);
  const { properties } = derivedProperties(image, image.table, inspection.guests[0], new Map(Object.entries(said)));
  const minDisk = properties.find(({ name }) => name === 'min_disk');
  const rest = properties.filter(({ name }) => !(name in said) && !fields.includes(name));
  return {
    ...(minDisk && { minDisk: Number(minDisk.value) }),
    properties: Object.fromEntries(rest.map(({ name, value }) => [name, value])),
  };
}

function publishedAs(image: Detected, format: string): Detected {
  const as = { ...image, format: format as Detected['format'] };
  if (wayTo(format, image.format) !== 'conversion') return as;
  const { subformat } = cloudOutput(format);
  return { ...as, ...(subformat !== undefined && { subformat }), details: { adapterType } };
}
