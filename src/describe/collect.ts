import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { VmkilnError } from '../errors.ts';
import { distroOf, type Guest, versionOf } from '../images/guest.ts';
import { bufferSource } from '../images/header.ts';
import { tarEntries } from '../images/tar.ts';
import { printable } from '../images/text.ts';
import type { ApplianceHost } from '../model.ts';
import { formatBytes } from '../text.ts';
import type { Call } from '../tools/exec.ts';
import { guestInventory, largestCopy } from '../tools/inventory.ts';
import { bootOf } from './boot.ts';
import { byText, type EtcFile, type FileSystem, type Inventory, type System } from './inventory.ts';
import { debPackages, inOrder, rpmFormat, rpmPackages, windowsPrograms } from './packages.ts';
import { repositoriesOf } from './repositories.ts';
import { servicesOf } from './services.ts';
import { usersOf } from './users.ts';

/** What an inventory says of the system in an image. */
export type Contents = Omit<Inventory, 'version' | 'image'>;

/**
 * Reads what is in an image, without booting it, in one launch of libguestfs's appliance. The guest's own rpm, if it has one, is run
 * there, which alone reads every form of its database.
 *
 * @param launch runs the call that it makes for an overlay of the image.
 * @param folder an empty one for what is copied out, which includes the guest's /etc: whoever makes it removes it.
 * @throws VmkilnError IMAGE_UNFIT when there is no operating system, or none that has a list of packages.
 */
export async function collectContents(
  launch: (call: (overlay: string) => Call) => Promise<unknown>,
  folder: string,
  host: ApplianceHost,
): Promise<Contents> {
  try {
    await launch((overlay) => guestInventory(overlay, folder, rpmFormat, host));
  } catch (cause) {
    if (!(cause instanceof VmkilnError) || !/no operating system|multi-boot/i.test(cause.message)) throw cause;
    throw new VmkilnError('IMAGE_UNFIT', 'there is not one operating system in the image, so nothing can be listed', {
      hint: '`vmkiln inspect IMAGE` shows what there is',
      cause,
    });
  }
  return readCollected(folder);
}

/** What guestfish has left in a folder, as an inventory. */
export async function readCollected(folder: string): Promise<Contents> {
  const text = async (name: string) => (await collected(join(folder, name))).toString('utf8');
  const etc = await unpack(join(folder, 'etc.tar'), '/etc/');
  const boot = await unpack(join(folder, 'boot.tar'), '');
  const texts = ({ contents }: Unpacked) =>
    new Map([...contents].map(([path, bytes]) => [path, bytes.toString('utf8')]));
  const inEtc = (name: string) => etc.contents.get(`/etc/${name}`)?.toString('utf8') ?? '';
  const packages = inOrder([
    ...rpmPackages(await text('rpm')),
    ...debPackages(await text('dpkg-status')),
    ...windowsPrograms(await text('programs')),
  ]);
  const system = await systemOf(text);
  const repositories = repositoriesOf(await text('repositories'));
  if (packages.length === 0 && system.type !== 'windows') {
    throw new VmkilnError('IMAGE_UNFIT', 'the guest has no list of its packages: neither rpm nor dpkg shows one', {
      hint: 'is the database of its packages whole? A damaged one cannot be read',
    });
  }
  return {
    system,
    packages,
    services: servicesOf(etc.files),
    users: usersOf(inEtc('passwd'), inEtc('group'), inEtc('shadow')),
    boot: bootOf(texts(boot)),
    filesystems: fileSystemsOf(await text('filesystems'), await text('mountpoints'), await text('df')),
    files: etc.files,
    ...(repositories.length > 0 && { repositories }),
  };
}

async function systemOf(text: (name: string) => Promise<string>): Promise<System> {
  const fact = async (name: string) => printable((await text(`guest-${name}`)).trim());
  const [name, distro, productName, arch] = await Promise.all(['type', 'distro', 'product-name', 'arch'].map(fact));
  const [major, minor] = await Promise.all(['major-version', 'minor-version'].map(fact));
  const known = (value: string | undefined) => value !== undefined && value !== '' && value !== 'unknown';
  const guest: Guest = {
    name: name ?? '',
    major: major ?? '0',
    minor: minor ?? '0',
    ...(known(distro) && { distro }),
    ...(known(productName) && { productName }),
  };
  const [itsDistro, version] = [distroOf(guest), versionOf(guest)];
  return {
    type: guest.name,
    ...(itsDistro && { distro: itsDistro }),
    ...(version && { version }),
    ...(guest.productName !== undefined && { product: guest.productName }),
    ...(known(arch) && { arch }),
  };
}

type Unpacked = { files: Record<string, EtcFile>; contents: Map<string, Buffer> };

/** What guestfish copied out: nothing where it found none. @throws VmkilnError IMAGE_UNFIT when it is more than any system has. */
async function collected(path: string): Promise<Buffer> {
  const info = await stat(path).catch(() => undefined);
  if (info === undefined) return Buffer.alloc(0);
  if (info.size <= largestCopy) return readFile(path);
  throw new VmkilnError(
    'IMAGE_UNFIT',
    `${basename(path)} of the guest has more than ${formatBytes(largestCopy)}, too much to read`,
    {
      hint: 'is there a file below /etc or /boot that belongs elsewhere?',
    },
  );
}

/** The files and links of an archive, by their paths below `root`. */
async function unpack(path: string, root: string): Promise<Unpacked> {
  const bytes = await collected(path);
  const contents = new Map<string, Buffer>();
  const files: [string, EtcFile][] = [];
  for (const { name, type, mode, uid, gid, link, at, size } of tarEntries(bufferSource(bytes))) {
    const file = `${root}${name.replace(/^\.\//, '')}`;
    const common = { mode: mode.toString(8).padStart(4, '0'), uid, gid };
    if (type === '2') files.push([file, { ...common, link }]);
    // The second name of a file that came before.
    if (type === '1') {
      const same = contents.get(`${root}${link.replace(/^\.\//, '')}`) ?? Buffer.alloc(0);
      contents.set(file, same);
      files.push([file, { ...common, ...digest(file, mode, same) }]);
    }
    if (type !== '0') continue;
    const content = bytes.subarray(at, at + size);
    contents.set(file, content);
    files.push([file, { ...common, ...digest(file, mode, content) }]);
  }
  return { contents, files: Object.fromEntries(files.toSorted(([a], [b]) => byText(a, b))) };
}

/** Files that are kept from others because of a password or a key in them. */
const secret =
  /\/(private\/.*|g?shadow-?|opasswd|auth\.conf|keys-[^/]*|(sssd|iscsid)\.conf|[^/]*(secret|passw|credential|keytab|token|nmconnection|netrc|wpa_supplicant)[^/]*|[^/]*[._]key)$/i;

/** The digest of a file; none of one that holds a secret: whoever reads the inventory could try out what it is. */
function digest(file: string, mode: number, bytes: Buffer): Pick<EtcFile, 'sha256'> {
  if ((mode & 0o004) === 0 && secret.test(file)) return {};
  return { sha256: createHash('sha256').update(bytes).digest('hex') };
}

/** The file systems of `list-filesystems`, with the sizes that df(1) shows of those that are mounted below /sysroot. */
function fileSystemsOf(list: string, mounted: string, df: string): FileSystem[] {
  const pairs = (text: string) =>
    [...text.matchAll(/^(\S+): (.*)$/gm)].map(([, key = '', value = '']) => [key, value] as const);
  const places = new Map(pairs(mounted));
  const sizes = new Map(
    [...df.matchAll(/^(?:\S+)\s+(\d+)\s+(\d+)\s+\d+\s+\S+\s+\/sysroot(\/.*)?$/gm)].map(([, size, used, place]) => [
      place || '/',
      { size: Number(size) * 1024, used: Number(used) * 1024 },
    ]),
  );
  return pairs(list)
    .filter(([, type]) => type !== 'unknown')
    .map(([device, type]) => {
      const mountpoint = places.get(device);
      return { device, type, ...(mountpoint && { mountpoint, ...sizes.get(mountpoint) }) };
    })
    .toSorted((a, b) => byText(a.device, b.device));
}
