import { osProperties } from '../../images/system-properties.ts';
import { mediaProperties } from './channel-marks.ts';
import type { GlancePlace } from './recipe.ts';
import { sha256Property, type Wanted } from './record.ts';
import { followsFrom } from '../follows.ts';
import type { ImageToPublish } from '../target.ts';

/**
 * The record that a target asks for: what it says, over what the image itself is. Removes nothing: a property that is
 * given as empty is left out.
 */
export function wantedImage(image: ImageToPublish, spec: GlancePlace): Wanted {
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
    vmkiln_sbom_sha256: image.documents?.find(({ kind }) => kind === 'sbom')?.sha256,
    ...mediaProperties(image.media ?? []),
    ...(image.rehearsal && { vmkiln_rehearsal: 'true' }),
  };
  const all = Object.fromEntries(
    Object.entries(said).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  const properties = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== ''));
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
    tags: spec.tags && [...new Set(spec.tags)],
    properties,
    follows: followsFrom(image, format, all),
    serial: image.serial,
  };
}
