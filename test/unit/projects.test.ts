import { expect, test } from 'vitest';
import { type HttpAnswer, ServiceError } from '../../src/openstack/http.ts';
import type { CloudSession } from '../../src/openstack/keystone.ts';
import { projectId } from '../../src/openstack/projects.ts';

const projects = [
  { id: 'a'.repeat(32), name: 'demo', domain_id: 'default' },
  { id: 'b'.repeat(32), name: 'twice', domain_id: 'default' },
  { id: 'c'.repeat(32), name: 'twice', domain_id: 'd2' },
];

/** Keystone for an administrator, or for somebody whose own projects are `own`. */
function keystone(own?: typeof projects): CloudSession {
  const answer = (path: string): object | number => {
    const url = new URL(path, 'http://x');
    if (url.pathname === '/v3/') return { version: {} };
    const name = url.searchParams.get('name');
    if (url.pathname === '/v3/auth/projects') return { projects: own ?? projects };
    if (url.pathname === '/v3/domains') return own ? 403 : { domains: [{ id: 'd2', name: 'second' }] };
    if (own) return 403;
    if (url.pathname === '/v3/projects') return { projects: projects.filter((each) => each.name === name) };
    const found = projects.find(({ id }) => url.pathname === `/v3/projects/${id}`);
    return found ? { project: found } : 404;
  };
  const ask = async (type: string, path: string): Promise<HttpAnswer> => {
    expect(type).toBe('identity');
    const found = answer(path);
    if (typeof found === 'number') throw new ServiceError(found, 'no');
    return { status: 200, headers: {}, body: [Buffer.from(JSON.stringify(found))] as never };
  };
  return { cloud: { name: 'c' }, ask } as never;
}

const find = (session: CloudSession, project: string, domain?: string) =>
  projectId(session, { project, domain }, { signal: new AbortController().signal });

test('a project is found by its id or its name, and one that is not there is refused', async () => {
  const admin = keystone();
  expect(await find(admin, 'a'.repeat(32))).toBe('a'.repeat(32));
  expect(await find(admin, 'demo')).toBe('a'.repeat(32));
  await expect(find(admin, 'twice')).rejects.toMatchObject({
    code: 'USAGE',
    hint: expect.stringContaining(`${'c'.repeat(32)} (domain d2)`),
  });
  expect(await find(admin, 'twice', 'second')).toBe('c'.repeat(32));
  expect(await find(admin, 'twice', 'default')).toBe('b'.repeat(32));
  for (const none of ['nobody', 'f'.repeat(32), '..', '../users']) {
    await expect(find(admin, none)).rejects.toMatchObject({
      code: 'USAGE',
      message: `there is no project ${none} in c`,
    });
  }
});

test('who may not look projects up names those of his own, and others by their id', async () => {
  const member = keystone(projects.slice(0, 1));
  expect(await find(member, 'demo')).toBe('a'.repeat(32));
  expect(await find(member, 'f'.repeat(32))).toBe('f'.repeat(32));
  await expect(find(member, 'twice')).rejects.toMatchObject({
    code: 'USAGE',
    hint: expect.stringContaining('give the id of the project'),
  });
});
