import { VmkilnError } from '../errors.ts';
import type { DiskFormat } from '../images/disk-format.ts';
import { withFitImage } from '../images/gate.ts';
import { getImage, importMethods } from '../openstack/image-api.ts';
import { sendFile } from '../openstack/send-file.ts';
import { importAndWait } from '../openstack/watch-import.ts';
import { openCloud } from '../openstack/open-cloud.ts';
import type { CommandContext } from '../ui/ui.ts';
import { type CloudOptions, findByIdOrName, print } from './image-find.ts';
import { shown } from './image-read.ts';
import { progressLines } from './progress-lines.ts';

type ImportOptions = CloudOptions & {
  method: string;
  uri?: string;
  file?: string;
  store?: string[];
  allStores?: boolean;
  allowUnfit?: boolean;
  importTimeout?: number;
};

/** `vmkiln image import`: starts an import and waits until it has ended. */
export async function importImage(id: string, options: ImportOptions, context: CommandContext): Promise<void> {
  const { signal, world } = context;
  const { method: name, uri, file, store: stores } = options;
  const needed = { 'web-download': ['uri', uri], 'glance-direct': ['file', file] }[name];
  if (needed && needed[1] === undefined) {
    throw new VmkilnError('USAGE', `the method ${name} needs --${needed[0]}`, { hint: `add --${needed[0]}` });
  }
  const cloud = await openCloud(options.osCloud, world);
  const offered = await importMethods(cloud, { signal });
  if (!offered.includes(name)) {
    throw new VmkilnError('CLOUD_FAILED', `${cloud.cloud.name} does not offer the import method ${name}`, {
      hint: `it offers ${offered.join(', ') || 'none'}; its operator sets enabled_import_methods`,
    });
  }
  const image = await findByIdOrName(cloud, id, signal);
  const progress = progressLines(context);
  if (file !== undefined && name === 'glance-direct') {
    const format = image.disk_format as DiskFormat | null;
    const terms = { ...(format && { is: format }), allowUnfit: options.allowUnfit ?? false };
    await withFitImage(file, terms, { signal }, async ({ path, size, identity }) =>
      sendFile(cloud, image.id, { path, size, identity }, { signal, progress, to: 'stage' }),
    );
  }
  const where = options.allStores ? { all_stores: true } : stores ? { stores } : {};
  // The service refuses what is said of several stores when there are none to speak of.
  const all = Object.keys(where).length > 0 ? { ...where, all_stores_must_succeed: true } : {};
  const request = { method: { name, ...(uri !== undefined && { uri }) }, ...all };
  const timeout = options.importTimeout ?? 3600;
  const end = await importAndWait(cloud, image.id, request, { signal, progress, timeout });
  if (end.how !== 'active') {
    throw new VmkilnError(
      'CLOUD_FAILED',
      `the import ${end.how === 'stuck' ? 'does not end' : 'failed'}: ${end.message}`,
      {
        hint: 'the operator of the cloud finds the reason in the log of Glance',
      },
    );
  }
  const after = await getImage(cloud, image.id, { signal });
  print(options.json, after, () => shown(after));
}
