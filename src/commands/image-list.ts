import { VmkilnError } from '../errors.ts';
import { harmless } from '../text.ts';
import { eachImage, type Image, type ImageQuery, nameFilter } from '../openstack/image-api.ts';
import type { CloudSession } from '../openstack/keystone.ts';
import { openCloud } from '../openstack/open-cloud.ts';
import { isOwnField } from '../openstack/own-fields.ts';
import { projectId } from '../openstack/projects.ts';
import { didYouMean, formatBytes } from '../text.ts';
import type { CommandContext } from '../ui/ui.ts';
import { type Cell, type Format, formatRows } from './client-format.ts';
import { keyValues, visibilityOf } from './image-fields.ts';
import { type CloudOptions, print } from './image-find.ts';
import { table } from '../ui/table.ts';
import { imageOrder } from './image-order.ts';

type ListOptions = CloudOptions & {
  name?: string;
  status?: string;
  memberStatus?: string;
  tag?: string[];
  property?: string[];
  project?: string;
  projectDomain?: string;
  visibility?: string;
  public?: true;
  private?: true;
  community?: true;
  shared?: true;
  hidden?: boolean;
  all?: boolean;
  long?: boolean;
  column?: string[];
  format?: Format;
  sort?: string;
  limit?: number;
};

/** `vmkiln image list` */
export async function list(options: ListOptions, { signal, world }: CommandContext): Promise<void> {
  const columns = columnsOf(options);
  const cloud = await openCloud(options.osCloud, world);
  const images = await findImages(cloud, options, signal);
  if (columns === undefined || options.json) return print(options.json, images, () => overview(images));
  const cells = images.map((image) => columns.map((name): Cell => (known[name] as (image: Image) => Cell)(image)));
  process.stdout.write(formatRows(options.format ?? 'table', columns, cells));
}

async function findImages(cloud: CloudSession, options: ListOptions, signal: AbortSignal): Promise<Image[]> {
  const { name, status, all, hidden, limit = Infinity } = options;
  const { keys, compare } = imageOrder(options.sort ?? 'name:asc');
  const wanted = Object.entries(keyValues(options.property));
  const query: (readonly [string, string])[] = [['sort', keys]];
  if (name !== undefined) query.push(nameFilter(name));
  if (status !== undefined) query.push(['status', status]);
  // What the service takes for something else than a property is compared here.
  for (const [key, value] of wanted) if (!isOwnField(key) && !notProperties.test(key)) query.push([key, value]);
  if (options.memberStatus !== undefined) query.push(['member_status', options.memberStatus]);
  for (const tag of options.tag ?? []) query.push(['tag', tag]);
  const visibility = visibilityOf(options);
  if (visibility !== undefined) query.push(['visibility', visibility]);
  else if (all && hidden) query.push(['visibility', 'all']);
  const { project, projectDomain: domain } = options;
  if (project !== undefined) query.push(['owner', await projectId(cloud, { project, domain }, { signal })]);
  const fits = (image: Image) =>
    (name === undefined || image.name === name) && wanted.every(([key, value]) => String(image[key] ?? '') === value);
  // The service lists either hidden images or the others, so both together are put in order here.
  if (!all || hidden) return some(cloud, [...query, ['os_hidden', String(hidden ?? false)]], { fits, limit, signal });
  // Services before Stein know no `visibility=all`, so what is not listed without being asked for is asked for.
  const kinds: ImageQuery[] = visibility === undefined ? [[], [['visibility', 'community']]] : [[]];
  const parts = kinds.flatMap((kind) =>
    ['false', 'true'].map((each): ImageQuery => [...query, ...kind, ['os_hidden', each]]),
  );
  const lists = await Promise.all(parts.map((part) => some(cloud, part, { fits, limit: Infinity, signal })));
  const unique = new Map(lists.flat().map((image) => [image.id, image]));
  return [...unique.values()].toSorted(compare).slice(0, limit);
}

/** Parameters of a list that are no filter for a property of that name; `_min` and `_max` are ranges of numbers. */
const notProperties = /^(limit|marker|sort|sort_key|sort_dir|member_status|tag|changes-since)$|_(min|max)$/;

async function some(
  cloud: CloudSession,
  query: ImageQuery,
  { fits, limit, signal }: { fits: (image: Image) => boolean; limit: number; signal: AbortSignal },
): Promise<Image[]> {
  const found: Image[] = [];
  if (limit === 0) return found;
  for await (const image of eachImage(cloud, query, { signal })) {
    if (fits(image)) found.push(image);
    if (found.length >= limit) break;
  }
  return found;
}

function overview(images: readonly Image[]): string {
  return table(
    ['ID', 'NAME', 'STATUS', 'FORMAT', 'SIZE', 'VISIBILITY', 'HIDDEN', 'CREATED'],
    images.map((image) => [
      image.id,
      harmless(image.name ?? '', { oneLine: true }),
      image.status,
      image.disk_format ?? '',
      image.size === null ? '' : formatBytes(image.size),
      image.visibility,
      image.os_hidden ? 'yes' : 'no',
      image.created_at,
    ]),
  );
}

/** Columns by the names that python-openstackclient gives them (ListImage in openstackclient/image/v2/image.py). */
const known: Readonly<Record<string, (image: Image) => Cell>> = {
  ID: ({ id }) => id,
  Name: ({ name }) => name,
  'Disk Format': (image) => image.disk_format,
  'Container Format': (image) => image.container_format,
  Size: ({ size }) => size,
  Checksum: ({ checksum }) => checksum ?? null,
  Status: ({ status }) => status,
  Visibility: ({ visibility }) => visibility,
  Protected: (image) => image.protected,
  Project: ({ owner }) => owner,
  'Hash Algorithm': (image) => image.os_hash_algo ?? null,
  'Hash Value': (image) => image.os_hash_value ?? null,
  Tags: ({ tags }) => tags,
  Hidden: (image) => image.os_hidden,
  'Min Disk': (image) => image.min_disk,
  'Min RAM': (image) => image.min_ram,
  'Created At': (image) => image.created_at,
  'Updated At': (image) => image.updated_at,
};

/** Those of `openstack image list --long`. */
const long = Object.keys(known).slice(0, 13);

/** The columns to show, in their own order as with the other client; undefined for the overview. @throws VmkilnError USAGE */
function columnsOf({ column, long: more, format }: ListOptions): string[] | undefined {
  const names = Object.keys(known);
  if (column !== undefined) {
    const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();
    const unknown = column.find((word) => !names.some((name) => same(name, word)));
    if (unknown !== undefined) {
      throw new VmkilnError('USAGE', `there is no column ${unknown}${didYouMean(unknown, names)}`, {
        hint: `the columns are ${names.join(', ')}`,
      });
    }
    return names.filter((name) => column.some((word) => same(name, word)));
  }
  if (more) return long;
  return format === undefined ? undefined : ['ID', 'Name', 'Status'];
}
