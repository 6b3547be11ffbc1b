import { fullVersion, type Inventory } from '../describe/inventory.ts';
import { formatBytes, harmless } from '../text.ts';
import { noPaint, type Paint } from './format.ts';
import { table } from './table.ts';

/** What is in an image, for people: everything but the files below /etc, of which it says how many there are. */
export function inventoryText(image: string, inventory: Inventory, paint: Paint = noPaint): string {
  const { system, packages, services, users, boot, filesystems, files, ports = [] } = inventory;
  const title = (text: string) => paint('title', text);
  const section = (name: string, heading: readonly string[], rows: readonly (readonly string[])[]) =>
    rows.length === 0 ? '' : `${title(`${name} (${rows.length})`)}\n${table(heading, rows)}`;
  const bytes = (size: number | undefined) => (size === undefined ? '' : formatBytes(size));
  const blocks = [
    `${title(image)}\n${system.product ?? system.distro ?? system.type}${system.arch ? `, ${system.arch}` : ''}\nsha256 ${inventory.image.sha256}\n`,
    section(
      'File systems',
      ['DEVICE', 'TYPE', 'MOUNTED', 'SIZE', 'USED'],
      filesystems.map(({ device, type, mountpoint = '', size, used }) => [
        device,
        type,
        mountpoint,
        bytes(size),
        bytes(used),
      ]),
    ),
    section(
      'Kernels',
      ['KERNEL', 'OPTIONS'],
      boot.entries.map(({ kernel, options }) => [kernel, options]),
    ),
    section(
      'Users',
      ['NAME', 'UID', 'PASSWORD', 'SHELL', 'GROUPS'],
      users.map(({ name, uid, password, shell, groups }) => [name, String(uid), password, shell, groups.join(' ')]),
    ),
    section(
      'Services',
      ['NAME', 'STATE', 'WANTED BY'],
      services.map(({ name, state, targets }) => [name, state, targets.join(' ')]),
    ),
    section(
      'Open ports',
      ['PORT', 'PROCESS'],
      ports.map(({ protocol, port, process = '' }) => [`${port}/${protocol}`, process]),
    ),
    section(
      'Packages',
      ['NAME', 'VERSION', 'ARCH'],
      packages.map((each) => [each.name, fullVersion(each), each.arch ?? '']),
    ),
    `${Object.keys(files).length} files below /etc: --format json has their digests\n`,
  ];
  return harmless(blocks.filter((block) => block !== '').join('\n'));
}
