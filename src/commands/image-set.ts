import { VmkilnError } from '../errors.ts';
import { act, getImage, type Image, type Patch, patchImage, pointer } from '../openstack/image-api.ts';
import { changeMember } from '../openstack/image-members.ts';
import type { CloudSession } from '../openstack/keystone.ts';
import { checkProperties, readDefinitions } from '../openstack/metadefs.ts';
import { openCloud } from '../openstack/open-cloud.ts';
import { projectId } from '../openstack/projects.ts';
import type { CommandContext } from '../ui/ui.ts';
import {
  type FieldOptions,
  hiddenOf,
  oneOf,
  propertiesFrom,
  protectionOf,
  refuseOwnFields,
  visibilityOf,
} from './image-fields.ts';
import { type CloudOptions, findByIdOrName, print } from './image-find.ts';
import { shown } from './image-read.ts';

type SetOptions = CloudOptions &
  FieldOptions & {
    name?: string;
    description?: string;
    diskFormat?: string;
    containerFormat?: string;
    removeProperty?: string[];
    removeTag?: string[];
    hidden?: true;
    unhidden?: true;
    activate?: true;
    deactivate?: true;
    accept?: true;
    reject?: true;
    pending?: true;
    project?: string;
    projectDomain?: string;
  };

const answers = { accept: 'accepted', reject: 'rejected', pending: 'pending' } as const;
const actions = { activate: 'reactivate', deactivate: 'deactivate' } as const;

/** `vmkiln image set`. What can be refused here is looked at before anything is changed. */
export async function set(id: string, options: SetOptions, context: CommandContext): Promise<void> {
  const { signal, world } = context;
  const answer = oneOf(options, ['accept', 'reject', 'pending']);
  const action = oneOf(options, ['activate', 'deactivate']);
  const properties = propertiesFrom(options);
  if (options.description !== undefined) properties['description'] = options.description;
  const fields = fieldsFrom(options);
  refuseOwnFields(options.removeProperty ?? [], '--remove-property');
  const cloud = await openCloud(options.osCloud, world);
  const { project, projectDomain: domain } = options;
  const other = project === undefined ? undefined : await projectId(cloud, { project, domain }, { signal });
  await checked(cloud, properties, context);
  const image = await findByIdOrName(cloud, id, signal, { pending: answer !== undefined });
  // With an answer the project is the one that answers, as in the openstack client.
  const owner = answer === undefined ? other : undefined;
  const patches = changesOf(image, { ...fields, owner, ...properties }, options, context);
  await patchImage(cloud, image.id, patches, { signal });
  if (answer !== undefined) {
    const member = other ?? (await cloud.project(signal));
    await changeMember(cloud, image.id, { method: 'PUT', member, status: answers[answer] }, { signal });
  }
  if (action !== undefined) await act(cloud, image.id, actions[action], { signal });
  const after = await getImage(cloud, image.id, { signal });
  print(options.json, after, () => shown(after));
}

function fieldsFrom(options: SetOptions): Record<string, unknown> {
  return {
    name: options.name,
    disk_format: options.diskFormat,
    container_format: options.containerFormat,
    min_disk: options.minDisk,
    min_ram: options.minRam,
    visibility: visibilityOf(options),
    protected: protectionOf(options),
    os_hidden: hiddenOf(options),
  };
}

function changesOf(
  image: Image,
  wanted: Record<string, unknown>,
  { tag = [], removeTag = [], removeProperty = [] }: SetOptions,
  { say }: CommandContext,
): Patch[] {
  const patches: Patch[] = [];
  for (const [name, value] of Object.entries(wanted)) {
    if (value !== undefined && image[name] !== value)
      patches.push({ op: name in image ? 'replace' : 'add', path: pointer(name), value });
  }
  const tags = new Set([...image.tags, ...tag]);
  for (const each of removeTag) tags.delete(each);
  if ([...tags].toSorted().join('\n') !== image.tags.toSorted().join('\n')) {
    patches.push({ op: 'replace', path: '/tags', value: [...tags] });
  }
  for (const name of new Set(removeProperty)) {
    if (name in image) patches.push({ op: 'remove', path: pointer(name) });
    else say(`${image.id} has no property ${name}`);
  }
  return patches;
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

type UnsetOptions = CloudOptions & { property?: string[]; tag?: string[] };

/** `vmkiln image unset`. What the image does not have is told, and makes the status 1, when the rest is removed. */
export async function unset(id: string, options: UnsetOptions, context: CommandContext): Promise<number> {
  const { signal, world, say } = context;
  const { property: removeProperty = [], tag: removeTag = [] } = options;
  if (removeProperty.length + removeTag.length === 0)
    throw new VmkilnError('USAGE', 'there is nothing to remove', { hint: 'name it by --property or --tag' });
  refuseOwnFields(removeProperty, '--property');
  const cloud = await openCloud(options.osCloud, world);
  const image = await findByIdOrName(cloud, id, signal);
  const missing = removeTag.filter((tag) => !image.tags.includes(tag));
  for (const tag of missing) say(`${image.id} has no tag ${tag}`);
  const patches = changesOf(image, {}, { removeProperty, removeTag }, context);
  const after = await patchImage(cloud, image.id, patches, { signal });
  print(options.json, after, () => shown(after));
  return missing.length > 0 || removeProperty.some((name) => !(name in image)) ? 1 : 0;
}
