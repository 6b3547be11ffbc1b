import { type CloudSession, readJson } from './keystone.ts';

type Options = { signal: AbortSignal };

/** A project that an image is shared with, and what it thinks of it. */
export type Member = { member_id: string; status: string };

export async function listMembers(session: CloudSession, id: string, { signal }: Options): Promise<Member[]> {
  const answer = await session.ask('image', `/v2/images/${id}/members`, { method: 'GET', attempts: 5, signal });
  return (await readJson<{ members: Member[] }>(answer)).members;
}

/** Adds (`POST`), removes (`DELETE`) or answers for (`PUT`) a member. */
export async function changeMember(
  session: CloudSession,
  id: string,
  change: { method: 'POST' | 'DELETE' | 'PUT'; member: string; status?: string },
  { signal }: Options,
): Promise<void> {
  const { method, member, status } = change;
  const path = `/v2/images/${id}/members${method === 'POST' ? '' : `/${encodeURIComponent(member)}`}`;
  const body = method === 'POST' ? { member } : method === 'PUT' ? { status } : undefined;
  const request = {
    method,
    ...(body && { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }),
    signal,
  };
  (await session.ask('image', path, request)).body.resume();
}
