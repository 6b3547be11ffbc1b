import { VmkilnError } from '../errors.ts';
import { ServiceError } from './http.ts';
import { type CloudSession, readJson } from './keystone.ts';

type Options = { signal: AbortSignal };

/** A project as somebody names it: by its id or name, and the domain (id or name) if several have that name. */
export type ProjectName = { project: string; domain?: string | undefined };

type Project = { id: string; name: string; domain_id: string | null };

/**
 * The id of a project. The Image service takes any text for an owner or a member, so Keystone is asked. Whoever may not
 * look projects up can name those of their own, and any other by its id, which is taken as it is.
 *
 * @throws VmkilnError USAGE when there is no such project, or several.
 */
export async function projectId(
  session: CloudSession,
  { project, domain }: ProjectName,
  { signal }: Options,
): Promise<string> {
  const ask = async <T>(path: string): Promise<T | number> => {
    try {
      return await readJson<T>(await session.ask('identity', `/v3/${path}`, { method: 'GET', attempts: 5, signal }));
    } catch (error) {
      if (error instanceof ServiceError && [400, 403, 404].includes(error.status)) return error.status;
      throw error;
    }
  };
  const byId = await ask<{ project?: Project }>(`projects/${encodeURIComponent(project)}`);
  if (typeof byId !== 'number' && byId.project?.id === project) return project;
  const named = await ask<{ projects: Project[] }>(`projects?${new URLSearchParams({ name: project })}`);
  const mayLook = typeof named !== 'number';
  const all = mayLook ? named : await ask<{ projects: Project[] }>('auth/projects');
  if (typeof all === 'number') throw unknown(session, project, mayLook);
  const domains = domain === undefined ? undefined : [domain, ...(await domainsCalled(ask, domain))];
  const found = all.projects
    .filter(({ name }) => name === project)
    .filter((each) => domains === undefined || domains.includes(each.domain_id ?? ''));
  const [only, ...others] = found;
  if (only && others.length === 0) return only.id;
  if (only) {
    throw new VmkilnError('USAGE', `${found.length} projects are called ${project} in ${session.cloud.name}`, {
      hint: `name one by its id, or its domain: ${found.map((each) => `${each.id} (domain ${each.domain_id})`).join(', ')}`,
    });
  }
  if (!mayLook && isProjectId(project)) return project;
  throw unknown(session, project, mayLook);
}

async function domainsCalled(
  ask: (path: string) => Promise<{ domains: { id: string; name: string }[] } | number>,
  domain: string,
): Promise<string[]> {
  const answer = await ask(`domains?${new URLSearchParams({ name: domain })}`);
  return typeof answer === 'number' ? [] : answer.domains.filter(({ name }) => name === domain).map(({ id }) => id);
}

/** Keystone makes the ids of projects by `uuid4().hex`. */
function isProjectId(text: string): boolean {
  return /^[0-9a-f]{32}$/.test(text);
}

function unknown({ cloud }: CloudSession, project: string, mayLook: boolean): VmkilnError {
  return mayLook
    ? new VmkilnError('USAGE', `there is no project ${project} in ${cloud.name}`, {
        hint: 'give the name or the id of a project (openstack project list), with --project-domain if it is in another domain',
      })
    : new VmkilnError('USAGE', `no project of this user in ${cloud.name} is called ${project}`, {
        hint: 'give the id of the project: this user may not look up those of others',
      });
}
