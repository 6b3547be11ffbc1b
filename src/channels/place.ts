import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { ChannelPlace } from '../targets/channel-place.ts';
import { type PlannedTarget, targetCalled } from '../targets/index.ts';
import type { Looking } from '../targets/target.ts';

/** The channels of the one place among the targets, a folder or a cloud. @throws VmkilnError */
export async function channelsAt(
  [planned]: readonly PlannedTarget[],
  context: Looking & { progress: (message: string) => void },
): Promise<ChannelPlace> {
  const channels = planned && targetCalled(planned.target).channels;
  if (!planned || !channels) throw new Error('a place without channels');
  return channels(planned.spec, context);
}

/** The folder whose channels are meant when nobody says: that of the image, or where builds publish to unless their recipe says otherwise. */
export function defaultFolder(image: string | undefined, cwd: string): string {
  if (image === undefined) return './images';
  return image.includes('/') || existsSync(resolve(cwd, image)) ? `${dirname(resolve(cwd, image))}/` : './images';
}
