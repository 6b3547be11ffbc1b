import type { GlanceSpec } from './recipe.ts';
import { sha256Property, type Wanted } from './steps.ts';
import type { ImageToPublish } from '../target.ts';

/**
 * The record that a target asks for: what it says, over what the image itself is. Removes nothing: a property that is
 * given as empty is left out.
 */
export function wantedImage(image: ImageToPublish, spec: GlanceSpec): Wanted {
  const { osName, architecture, kernel, ramdisk, description } = spec;
  const name = spec.name === undefined || !image.rehearsal ? (spec.name ?? image.name) : `${spec.name}-rehearsal`;
  const said: Record<string, string | undefined> = {
    ...image.properties,
    ...(osName !== undefined && osProperties(osName)),
    architecture: architecture ?? image.properties?.['architecture'],
    description: description ?? image.description,
    kernel_id: kernel,
    ramdisk_id: ramdisk,
    ...spec.properties,
    [sha256Property]: image.sha256,
    vmkiln_build: image.build,
    ...(image.rehearsal && { vmkiln_rehearsal: 'true' }),
  };
  const properties = Object.fromEntries(
    Object.entries(said).filter((entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== ''),
  );
  const format = spec.format ?? image.format;
  return {
    name,
    disk_format: format,
    container_format: ['aki', 'ami', 'ari'].includes(format) ? format : 'bare',
    id: spec.id,
    visibility: spec.visibility,
    protected: spec.protected,
    hidden: spec.hidden ?? false,
    min_disk: spec.minDisk,
    min_ram: spec.minRam,
    owner: spec.owner,
    tags: spec.tags,
    properties,
  };
}

/** Kinds of systems by how their libosinfo id begins. */
const systems: readonly { match: RegExp; type: string; distro?: string }[] = [
  { match: /^win/, type: 'windows', distro: 'windows' },
  { match: /^[a-z-]+/, type: 'linux' },
];

/**
 * The properties that follow from a libosinfo id such as `rhel7.9`: Compute looks at `os_distro`, Red Hat's guide sets
 * `os_name`.
 */
export function osProperties(osinfo: string): Record<string, string> {
  const [, letters = osinfo, version = ''] = /^([a-z-]+?)-?(\d[\w.]*)?$/.exec(osinfo) ?? [];
  const system = systems.find(({ match }) => match.test(osinfo));
  const distro = system?.distro ?? letters;
  return {
    os_name: osinfo,
    ...(system && { os_type: system.type }),
    os_distro: distro,
    ...(version !== '' && { os_version: version }),
  };
}
