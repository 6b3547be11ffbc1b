import { messageOf, VmkilnError } from '../errors.ts';
import { act, deleteImage, type Patch, patchImage, pointer } from '../openstack/image-api.ts';
import { changeMember, listMembers } from '../openstack/image-members.ts';
import type { CloudSession } from '../openstack/keystone.ts';
import { checkProperties, readDefinitions } from '../openstack/metadefs.ts';
import { openCloud } from '../openstack/open-cloud.ts';
import type { CommandContext } from '../ui/ui.ts';
import { type FieldOptions, propertiesFrom, protectionOf, visibilityOf } from './image-fields.ts';
import { type CloudOptions, findByIdOrName, print, table } from './image-find.ts';
import { shown } from './image-read.ts';

type SetOptions = CloudOptions &
  FieldOptions & {
    name?: string;
    description?: string;
    diskFormat?: string;
    containerFormat?: string;
    removeProperty?: string[];
    removeTag?: string[];
  };

/** `vmkiln image set` */
export async function set(id: string, options: SetOptions, context: CommandContext): Promise<void> {
  const { signal, world } = context;
  const cloud = await openCloud(options.osCloud, world);
  const properties = propertiesFrom(options);
  if (options.description !== undefined) properties['description'] = options.description;
  await checked(cloud, properties, context);
  const image = await findByIdOrName(cloud, id, signal);
  const fields = {
    name: options.name,
    disk_format: options.diskFormat,
    container_format: options.containerFormat,
    min_disk: options.minDisk,
    min_ram: options.minRam,
    visibility: visibilityOf(options),
    protected: protectionOf(options),
  };
  const patches: Patch[] = [];
  for (const [name, value] of Object.entries({ ...fields, ...properties })) {
    if (value !== undefined && image[name] !== value)
      patches.push({ op: name in image ? 'replace' : 'add', path: pointer(name), value });
  }
  const tags = new Set([...image.tags, ...(options.tag ?? [])]);
  for (const tag of options.removeTag ?? []) tags.delete(tag);
  if ([...tags].toSorted().join('\n') !== image.tags.toSorted().join('\n')) {
    patches.push({ op: 'replace', path: '/tags', value: [...tags] });
  }
  for (const name of options.removeProperty ?? []) {
    if (name in image) patches.push({ op: 'remove', path: pointer(name) });
    else context.say(`${image.id} has no property ${name}`);
  }
  const after = await patchImage(cloud, image.id, patches, { signal });
  print(options.json, after, () => shown(after));
}

async function checked(
  cloud: CloudSession,
  properties: Record<string, string>,
  { signal, say }: CommandContext,
): Promise<void> {
  if (Object.keys(properties).length === 0) return;
  const { wrong, doubtful } = checkProperties(properties, await readDefinitions(cloud, { signal }));
  for (const doubt of doubtful) say(doubt);
  if (wrong.length > 0)
    throw new VmkilnError('USAGE', wrong.join('\n'), { hint: 'the catalogue of the cloud (metadefs) allows no other' });
}

type Verb = 'hide' | 'unhide' | 'delete' | 'deactivate' | 'reactivate';

/** The verbs that take several images: each is tried, and any failure makes the status 1. */
export async function each(
  verb: Verb,
  ids: readonly string[],
  options: CloudOptions,
  context: CommandContext,
): Promise<number> {
  const { signal, world } = context;
  const cloud = await openCloud(options.osCloud, world);
  const results: { id: string; error?: string }[] = [];
  for (const word of ids) {
    try {
      const { id } = await findByIdOrName(cloud, word, signal);
      await apply(cloud, verb, id, signal);
      results.push({ id });
    } catch (error) {
      if (signal.aborted || !(error instanceof VmkilnError)) throw error;
      if (ids.length === 1) throw error;
      results.push({ id: word, error: messageOf(error) });
      context.say(messageOf(error));
    }
  }
  print(options.json, results, () => results.map(({ id, error }) => (error ? '' : `${id}\n`)).join(''));
  return results.some(({ error }) => error !== undefined) ? 1 : 0;
}

async function apply(cloud: CloudSession, verb: Verb, id: string, signal: AbortSignal): Promise<void> {
  if (verb === 'delete') return deleteImage(cloud, id, { signal });
  if (verb === 'hide' || verb === 'unhide') {
    await patchImage(cloud, id, [{ op: 'replace', path: '/os_hidden', value: verb === 'hide' }], { signal });
    return undefined;
  }
  return act(cloud, id, verb, { signal });
}

type MemberOptions = CloudOptions & { add?: string[]; remove?: string[]; answer?: string };

/** `vmkiln image members` */
export async function members(id: string, options: MemberOptions, { signal, world }: CommandContext): Promise<void> {
  const cloud = await openCloud(options.osCloud, world);
  const image = await findByIdOrName(cloud, id, signal);
  for (const member of options.add ?? []) await changeMember(cloud, image.id, { method: 'POST', member }, { signal });
  for (const member of options.remove ?? [])
    await changeMember(cloud, image.id, { method: 'DELETE', member }, { signal });
  if (options.answer !== undefined) {
    const member = await cloud.project(signal);
    await changeMember(cloud, image.id, { method: 'PUT', member, status: options.answer }, { signal });
  }
  const found = await listMembers(cloud, image.id, { signal });
  print(options.json, found, () =>
    table(
      ['PROJECT', 'STATUS'],
      found.map(({ member_id: member, status }) => [member, status]),
    ),
  );
}
