import { VmkilnError } from '../errors.ts';
import { extraProperties, type Image, importMethods, listStores, versions } from '../openstack/image-api.ts';
import { openCloud } from '../openstack/open-cloud.ts';
import type { CommandContext } from '../ui/ui.ts';
import { type CloudOptions, findByIdOrName, print } from './image-find.ts';
import { didYouMean, formatBytes, harmless, jsonText } from '../text.ts';
import { type Cell, formatRows } from './client-format.ts';

type ShowOptions = CloudOptions & { column?: string[]; format?: 'value' | 'json' | 'table' };

/** `vmkiln image show` */
export async function show(id: string, options: ShowOptions, { signal, world }: CommandContext): Promise<void> {
  const image = await findByIdOrName(await openCloud(options.osCloud, world), id, signal);
  const { column, format } = options;
  if (column === undefined && (format === undefined || options.json))
    return print(options.json, image, () => shown(image));
  const names = column ?? Object.keys(image).toSorted();
  const missing = names.find((name) => !(name in image));
  if (missing !== undefined) {
    throw new VmkilnError('USAGE', `${image.id} has no field ${missing}${didYouMean(missing, Object.keys(image))}`, {
      hint: 'vmkiln image show without -c shows all of them',
    });
  }
  const cells = names.map((name) => cellOf(image[name]));
  const text = {
    json: () => `${jsonText(Object.fromEntries(names.map((name) => [name, image[name]])))}\n`,
    // One value a line.
    value: () =>
      formatRows(
        'value',
        [],
        cells.map((cell) => [cell]),
      ),
    table: () =>
      formatRows(
        'table',
        ['Field', 'Value'],
        names.map((name, at) => [name, cells[at] ?? null]),
      ),
  };
  process.stdout.write(text[options.json ? 'json' : (format ?? 'table')]());
}

function cellOf(value: unknown): Cell {
  if (Array.isArray(value) && value.every((each) => typeof each === 'string')) return value;
  return value !== null && typeof value === 'object' ? JSON.stringify(value) : ((value ?? null) as Cell);
}

/** An image for people: its fields, then its properties. */
export function shown(image: Image): string {
  const properties = extraProperties(image);
  const text = (value: unknown) => {
    const cell = cellOf(value);
    return harmless(Array.isArray(cell) ? cell.join(', ') : String(cell ?? ''), { oneLine: true });
  };
  const rows = (entries: [string, unknown][], indent: string) => {
    const width = Math.max(0, ...entries.map(([name]) => name.length));
    return entries.map(([name, value]) =>
      `${indent}${harmless(name, { oneLine: true }).padEnd(width)}  ${text(value)}`.trimEnd(),
    );
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
