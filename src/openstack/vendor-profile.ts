import { messageOf, VmkilnError } from '../errors.ts';
import type { Env } from '../model.ts';
import { isTree, merge, readCloudFile, unusable } from './cloud-file.ts';
import { openClient } from './connection.ts';
import { readText, send } from './http.ts';
import { parsePython, type Tree } from './python-yaml.ts';
import { vendors } from './vendors.ts';

/** How long a vendor may take to give its profile, in milliseconds; as in openstacksdk. */
const patience = 10_000;

/**
 * A cloud over the vendor profile that it names as `profile` or `cloud`: from `clouds-public.yaml`, from the profiles
 * that openstacksdk brings, or from the vendor's own address (`openstack/config/loader.py`, `_expand_vendor_profile`,
 * and `vendors/__init__.py`).
 *
 * @throws VmkilnError USAGE for a cloud that no longer exists, CLOUD_FAILED when an address gives no profile.
 */
export async function overProfile(name: string, own: Tree, world: { env: Env; cwd: string }): Promise<Tree> {
  const wanted = own['profile'] ?? own['cloud'];
  // In the cloud of the environment, OS_CLOUD may name that cloud itself.
  if (typeof wanted !== 'string' || wanted === '' || wanted === name) return own;
  const profile = await findProfile(wanted, world);
  if (profile === undefined) {
    if (isTree(own['auth']) && own['auth']['auth_url']) return own;
    throw unusable(
      `there is no vendor profile called ${wanted}, which the cloud ${name} names`,
      `describe it under public-clouds in clouds-public.yaml, or give the cloud its own auth_url`,
    );
  }
  if (profile['status'] === 'shutdown') {
    throw unusable(
      `the profile ${wanted} of the cloud ${name} is of one that no longer exists: ${String(profile['message'])}`,
      'take the profile out, and give the cloud its own auth_url',
    );
  }
  const { regions, ...rest } = profile;
  const hasRegion = ['regions', 'region_name', 'region-name'].some((key) => key in own);
  const auth = { ...asTree(profile['auth']), ...asTree(own['auth']) };
  return { ...rest, ...(!hasRegion && regions ? { regions } : {}), ...own, auth };
}

async function findProfile(wanted: string, world: { env: Env; cwd: string }): Promise<Tree | undefined> {
  const file = await readCloudFile('clouds-public', undefined, world);
  const own = asTree(file?.tree['public-clouds'])[wanted];
  if (isTree(own)) return own;
  const known = Object.hasOwn(vendors, wanted) ? vendors[wanted] : undefined;
  const address = known === undefined ? wanted : known['profile'];
  if (typeof address === 'string' && URL.canParse(address)) return fetchProfile(new URL(address), world.env);
  return known;
}

/** What a vendor says of itself. A bundled profile of the same name counts more. */
async function fetchProfile({ origin }: URL, env: Env): Promise<Tree> {
  const url = `${origin}/.well-known/openstack/api`;
  const signal = AbortSignal.timeout(patience);
  try {
    const answer = await send(openClient({ verify: true }, env), { method: 'GET', url, signal });
    const text = await readText(answer);
    if (answer.status !== 200) throw new Error(`it answered ${answer.status}`);
    const given = asTree(parsePython(text, 'json'));
    const { profile: _, ...rest } = merge(asTree(given['profile']), vendors[String(given['name'])] ?? {});
    return rest;
  } catch (cause) {
    throw new VmkilnError('CLOUD_FAILED', `no vendor profile from ${url}: ${messageOf(cause)}`, {
      hint: 'write auth_url and region_name of that cloud into clouds.yaml, in place of `profile`',
      cause,
    });
  }
}

function asTree(value: unknown): Tree {
  return isTree(value) ? value : {};
}
