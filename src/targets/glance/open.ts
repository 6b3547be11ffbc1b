import type { CloudSession } from '../../openstack/keystone.ts';
import { openCloud } from '../../openstack/open-cloud.ts';
import { projectId } from '../../openstack/projects.ts';
import type { Looking } from '../target.ts';
import type { GlancePlace } from './recipe.ts';

/** Opens the cloud of a place, and says of the place which project is meant. @throws VmkilnError USAGE */
export async function openPlace<Place extends Pick<GlancePlace, 'cloud' | 'owner' | 'ownerDomain'>>(
  spec: Place,
  looking: Looking,
): Promise<{ session: CloudSession; spec: Place }> {
  const session = await openCloud(spec.cloud, looking);
  const { owner: project, ownerDomain: domain } = spec;
  if (project === undefined) return { session, spec };
  return { session, spec: { ...spec, owner: await projectId(session, { project, domain }, looking) } };
}
