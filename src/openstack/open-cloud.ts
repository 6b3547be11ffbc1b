import type { World } from '../model.ts';
import { readCloud } from './clouds-yaml.ts';
import { type CloudSession, openSession } from './keystone.ts';

/** Opens the cloud `CLOUD` or `CLOUD/REGION`, or that of the environment. @throws VmkilnError USAGE */
export async function openCloud(place: string | undefined, { env, cwd }: World): Promise<CloudSession> {
  const [cloud, region] = place?.split('/') ?? [];
  return openSession(await readCloud({ cloud, region, env, cwd }), env);
}
