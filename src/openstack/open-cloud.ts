import { readCloud } from './clouds-yaml.ts';
import { openSession, type Session } from './keystone.ts';

/** Opens the cloud `CLOUD` or `CLOUD/REGION`, or that of the environment. @throws VmkilnError USAGE */
export async function openCloud(place: string | undefined): Promise<Session> {
  const [cloud, region] = place?.split('/') ?? [];
  return openSession(await readCloud({ cloud, region, env: process.env, cwd: process.cwd() }));
}
