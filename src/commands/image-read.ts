import {
  extraProperties,
  type Image,
  importMethods,
  listImages,
  listStores,
  versions,
} from '../openstack/image-api.ts';
import { openCloud } from '../openstack/open-cloud.ts';
import type { CommandContext } from '../ui/ui.ts';
import { keyValues } from './image-fields.ts';
import { type CloudOptions, findByIdOrName, print, table } from './image-find.ts';
import { formatBytes } from '../text.ts';

type ListOptions = CloudOptions & {
  name?: string;
  status?: string;
  tag?: string[];
  property?: string[];
  project?: string;
  visibility?: string;
  hidden?: boolean;
  all?: boolean;
  sort?: string;
  limit?: number;
};

/** `vmkiln image list` */
export async function list(options: ListOptions, { signal, world }: CommandContext): Promise<void> {
  const cloud = await openCloud(options.osCloud, world);
  const { name, status, project: owner, visibility, sort = 'name:asc' } = options;
  const given = Object.entries({ name, status, owner, visibility, ...keyValues(options.property) });
  const query = given.flatMap(([key, value]): [string, string][] => (value === undefined ? [] : [[key, value]]));
  for (const tag of options.tag ?? []) query.push(['tag', tag]);
  query.push(['sort', sort]);
  const kinds = options.all ? ['false', 'true'] : [String(options.hidden ?? false)];
  const found: Image[] = [];
  for (const hidden of kinds) found.push(...(await listImages(cloud, [...query, ['os_hidden', hidden]], { signal })));
  const images = found.slice(0, options.limit ?? found.length);
  print(options.json, images, () =>
    table(
      ['ID', 'NAME', 'STATUS', 'FORMAT', 'SIZE', 'VISIBILITY', 'HIDDEN', 'CREATED'],
      images.map((image) => [
        image.id,
        image.name ?? '',
        image.status,
        image.disk_format ?? '',
        image.size === null ? '' : formatBytes(image.size),
        image.visibility,
        image.os_hidden ? 'yes' : 'no',
        image.created_at,
      ]),
    ),
  );
}

/** `vmkiln image show` */
export async function show(id: string, options: CloudOptions, { signal, world }: CommandContext): Promise<void> {
  const image = await findByIdOrName(await openCloud(options.osCloud, world), id, signal);
  print(options.json, image, () => shown(image));
}

/** An image for people: its fields, then its properties. */
export function shown(image: Image): string {
  const properties = extraProperties(image);
  const text = (value: unknown) => (Array.isArray(value) ? value.join(', ') : String(value ?? ''));
  const rows = (entries: [string, unknown][], indent: string) => {
    const width = Math.max(0, ...entries.map(([name]) => name.length));
    return entries.map(([name, value]) => `${indent}${name.padEnd(width)}  ${text(value)}`.trimEnd());
  };
  const fields = Object.entries(image).filter(
    ([name]) => !(name in properties) && !['self', 'file', 'schema'].includes(name),
  );
  const size = image.size === null ? [] : [`  (${formatBytes(image.size)})`];
  const lines = rows(fields, '').map((line) => (line.startsWith('size ') ? [line, ...size].join('') : line));
  return [...lines, 'properties', ...rows(Object.entries(properties).toSorted(), '  '), ''].join('\n');
}

/** `vmkiln image methods` */
export async function methods(options: CloudOptions, { signal, world }: CommandContext): Promise<void> {
  const cloud = await openCloud(options.osCloud, world);
  const [found, offered, stores] = await Promise.all([
    versions(cloud, { signal }),
    importMethods(cloud, { signal }),
    listStores(cloud, { signal }),
  ]);
  const value = { cloud: cloud.cloud.name, version: found[0]?.join('.') ?? '', methods: ['put', ...offered], stores };
  print(options.json, value, () => {
    const names = stores.map((store) => `${store.id}${store.default ? ' (default)' : ''}`);
    return [
      `cloud    ${value.cloud}, Image API ${value.version}`,
      `methods  ${value.methods.join(', ')}`,
      `stores   ${names.join(', ') || 'one, without a name'}`,
      '',
    ].join('\n');
  });
}
