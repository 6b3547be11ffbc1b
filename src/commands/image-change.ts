import { messageOf, VmkilnError } from '../errors.ts';
import { act, deleteImage, patchImage } from '../openstack/image-api.ts';
import { changeMember, listMembers } from '../openstack/image-members.ts';
import type { CloudSession } from '../openstack/keystone.ts';
import { openCloud } from '../openstack/open-cloud.ts';
import { projectId } from '../openstack/projects.ts';
import type { CommandContext } from '../ui/ui.ts';
import { type CloudOptions, findByIdOrName, print } from './image-find.ts';
import { table } from '../ui/table.ts';

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
      context.say([messageOf(error), ...(error.hint ? [`  next: ${error.hint}`] : [])].join('\n'));
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

type MemberOptions = CloudOptions & { add?: string[]; remove?: string[]; answer?: string; projectDomain?: string };

/** `vmkiln image members` */
export async function members(id: string, options: MemberOptions, { signal, world }: CommandContext): Promise<void> {
  const cloud = await openCloud(options.osCloud, world);
  const domain = options.projectDomain;
  const idsOf = (projects: readonly string[] = []) =>
    Promise.all(projects.map((project) => projectId(cloud, { project, domain }, { signal })));
  const [image, added, removed] = await Promise.all([
    findByIdOrName(cloud, id, signal, { pending: true }),
    idsOf(options.add),
    idsOf(options.remove),
  ]);
  for (const member of added) await changeMember(cloud, image.id, { method: 'POST', member }, { signal });
  for (const member of removed) await changeMember(cloud, image.id, { method: 'DELETE', member }, { signal });
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
