import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { VmkilnError } from '../errors.ts';
import { hashFile } from '../media/hash.ts';
import type { MediaFile } from '../model.ts';
import { getImage } from '../openstack/image-api.ts';
import { saveImage } from '../openstack/save-image.ts';
import { isFolder } from '../recipe/media.ts';
import type { ChannelImage } from '../targets/channel-place.ts';
import { openFolder } from '../targets/directory/channels.ts';
import { openCloudChannels } from '../targets/glance/channels.ts';
import type { Looking } from '../targets/target.ts';

type Options = Looking & {
  mediaDir: string;
  progress: (message: string, fraction?: number) => void;
  download: boolean;
};

/**
 * The image that a channel has at this moment, as a medium: where it lies, with the digest that its verdict is about. That of a cloud is
 * downloaded to the folder of media; for a plan it is enough to know what it will be.
 *
 * @throws VmkilnError CHANNEL_REFUSED when the channel has none, MEDIA_CHECKSUM, CLOUD_FAILED
 */
export async function channelMedium(channel: string, place: string, options: Options): Promise<MediaFile> {
  return isFolder(place) ? ofFolder(channel, resolve(options.cwd, place), options) : ofCloud(channel, place, options);
}

async function ofFolder(channel: string, folder: string, options: Options): Promise<MediaFile> {
  const channels = await openFolder(folder, options);
  const image = await channels.resolve(channel);
  const { location: path } = image;
  return verified(path, path, image, options);
}

async function ofCloud(channel: string, cloud: string, options: Options): Promise<MediaFile> {
  const { mediaDir, signal, download, progress } = options;
  const { session, channels } = await openCloudChannels({ cloud }, options);
  const image = await channels.resolve(channel);
  const { location: id, sha256 } = image;
  const path = join(mediaDir, `channel-${id}.qcow2`);
  const source = `glance://${cloud}/${id}`;
  const isThere = await stat(path).catch(() => undefined);
  if (!isThere && !download) return { source, path, sha256, size: undefined };
  if (!isThere) {
    const there = await getImage(session, id, { signal });
    if (there.size === null) throw new Error('an active image without a size');
    const note = () => undefined;
    await saveImage(session, { ...there, size: there.size }, path, { force: true, signal, progress, note });
  }
  return verified(source, path, image, options);
}

async function verified(source: string, path: string, image: ChannelImage, options: Options): Promise<MediaFile> {
  const file = await hashFile(path, options);
  if (file.sha256 === image.sha256) return { source, path, ...file };
  throw new VmkilnError(
    'MEDIA_CHECKSUM',
    `${source} is not the image that was promoted: its SHA-256 is ${file.sha256}`,
    {
      hint: 'publish images that others are built on as they are (qcow2): a conversion makes another one of them',
    },
  );
}
