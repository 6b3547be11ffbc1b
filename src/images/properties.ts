import { VmkilnError } from '../errors.ts';
import type { Detected } from './detect.ts';
import { distroOf, osinfoOf, versionOf } from './guest.ts';
import type { Guest } from './guest.ts';
import { warning } from './header.ts';
import type { ImageFinding, Format } from './header.ts';
import type { PartitionTable } from './partition-table.ts';
import { firmwareProperties, type FirmwareProperties } from './system-properties.ts';
import { printable } from './text.ts';

/** One property of an image in the Image service, and why it follows. */
export type Property = { name: string; value: string; because: string };

/** What the user said, which wins over what was found. */
export type Overrides = ReadonlyMap<string, string>;

/**
 * The values that the Image service's own definitions allow (its image schema, and etc/metadefs/compute-libvirt-image.json
 * and compute-vmware.json of Glance).
 */
const allowed: Readonly<Record<string, readonly string[]>> = {
  disk_format: ['ami', 'ari', 'aki', 'vhd', 'vhdx', 'vmdk', 'raw', 'qcow2', 'vdi', 'ploop', 'iso'],
  container_format: ['ami', 'ari', 'aki', 'bare', 'ovf', 'ova', 'docker', 'compressed'],
  hw_disk_bus: ['scsi', 'virtio', 'uml', 'xen', 'ide', 'usb', 'fdc', 'sata', 'lxc'],
  hw_cdrom_bus: ['scsi', 'virtio', 'uml', 'xen', 'ide', 'usb', 'fdc', 'sata', 'lxc'],
  hw_firmware_type: ['bios', 'uefi'],
  os_type: ['linux', 'windows'],
  vmware_adaptertype: ['lsiLogic', 'lsiLogicsas', 'paraVirtual', 'busLogic', 'ide'],
  vmware_disktype: ['streamOptimized', 'sparse', 'preallocated'],
};

/** The adapters of a VMDK's descriptor, which is not case-sensitive, as the Image service spells them. */
const adapters: Readonly<Record<string, string>> = {
  ide: 'ide',
  buslogic: 'busLogic',
  lsilogic: 'lsiLogic',
  lsisas1068: 'lsiLogicsas',
  lsilogicsas: 'lsiLogicsas',
  pvscsi: 'paraVirtual',
  paravirtual: 'paraVirtual',
};

/** Reads `KEY=VALUE` words. @throws VmkilnError USAGE */
export function parseOverrides(words: readonly string[]): Overrides {
  return new Map(
    words.map((word) => {
      const [, key, value] = /^([^=\s]+)=(.*)$/s.exec(word) ?? [];
      if (key === undefined || value === undefined) {
        throw new VmkilnError('USAGE', `--property ${word} is not KEY=VALUE`, {
          hint: 'write for example --property hw_disk_bus=scsi',
        });
      }
      return [key, value];
    }),
  );
}

/** What follows for the Image service from an image's header, its partitions and its guest, and what the user overrides. */
export function derivedProperties(
  image: Detected,
  table: PartitionTable | undefined,
  guest: Guest | undefined,
  overrides: Overrides,
): { properties: Property[]; findings: ImageFinding[] } {
  const found = new Map<string, Property>();
  const add = (name: string, value: string | undefined, because: string) => {
    if (value !== undefined && value !== '') found.set(name, { name, value, because });
  };
  for (const [name, value, because] of formatRules(image)) add(name, value, because);
  if (isDisk(image.format)) for (const [name, value, because] of diskRules(image, table)) add(name, value, because);
  if (guest) for (const [name, value, because] of guestRules(image, guest)) add(name, value, because);
  for (const [name, value] of overrides) found.set(name, { name, value, because: overrideReason(found.get(name)) });
  const chosen = overrides.get('disk_format') ?? '';
  if (isAmazon(chosen) && !overrides.has('container_format'))
    add('container_format', chosen, `disk_format is ${chosen}`);
  const firmware = overrides.get('hw_firmware_type');
  if (firmware !== undefined && !overrides.has('hw_machine_type')) {
    found.delete('hw_machine_type');
    add('hw_machine_type', firmwareProperties(firmware).hw_machine_type, `hw_firmware_type is ${firmware}`);
  }
  if (found.get('hw_disk_bus')?.value === 'scsi' && !found.has('hw_scsi_model')) {
    add('hw_scsi_model', 'virtio-scsi', 'hw_disk_bus is scsi');
  }
  return { properties: [...found.values()], findings: overrideFindings(image, overrides) };
}

function isDisk(format: Format): boolean {
  return !['aki', 'ari', 'compressed', 'other'].includes(format);
}

/** The formats that come with a container_format of the same name. */
function isAmazon(format: string): boolean {
  return format === 'ami' || format === 'aki' || format === 'ari';
}

type Rule = readonly [name: string, value: string | undefined, because: string];

function formatRules({ format, subformat, details, virtualSize, findings }: Detected): Rule[] {
  if (format === 'other' || format === 'compressed') return [];
  const sane = virtualSize !== undefined && !findings.some(({ code }) => code === 'size');
  const rules: Rule[] = [
    ['disk_format', format, 'its contents'],
    ['container_format', isAmazon(format) ? format : 'bare', 'its contents'],
  ];
  if (sane && isDisk(format) && format !== 'iso')
    rules.push(['min_disk', String(Math.ceil(virtualSize / 2 ** 30)), 'its virtual size in GiB']);
  if (format === 'aki') {
    const arch = details['architecture'];
    rules.push(['architecture', arch === 'aarch64' ? 'aarch64' : undefined, 'the kernel']);
  }
  if (format === 'vmdk') {
    const adapter = String(details['adapterType'] ?? '').toLowerCase();
    rules.push(['vmware_disktype', vmwareType(subformat ?? ''), `createType ${subformat}`]);
    rules.push(['vmware_adaptertype', adapters[adapter], `ddb.adapterType ${adapter}`]);
  }
  return rules;
}

/** VMware's variants as Compute distinguishes them: streamed, grown as it is written, or all there. */
function vmwareType(createType: string): string | undefined {
  if (createType === 'streamOptimized') return createType;
  if (createType.endsWith('Sparse')) return 'sparse';
  return /Flat$|^vmfs$|Preallocated$|EagerZeroedThick$/.test(createType) ? 'preallocated' : undefined;
}

function diskRules({ format, details }: Detected, table: PartitionTable | undefined): Rule[] {
  const boots = details['boots with'];
  const [firmware, because] =
    format === 'iso'
      ? [Array.isArray(boots) ? boots.map((name: string) => name.toLowerCase()) : [], 'its boot catalogue']
      : [table?.boots ?? [], `its ${table?.kind.toUpperCase()} partition table`];
  // What starts with both leaves the choice to the cloud.
  const only = firmware.length === 1 ? firmware[0] : undefined;
  const follows: Partial<FirmwareProperties> = only === undefined ? {} : firmwareProperties(only);
  return [
    ['hw_firmware_type', follows.hw_firmware_type, because],
    ['hw_machine_type', follows.hw_machine_type, 'UEFI'],
  ];
}

function guestRules({ format }: Detected, guest: Guest): Rule[] {
  const because = 'the guest operating system';
  const forKvm = format === 'raw' || format === 'qcow2' || format === 'ami';
  // Kernels since 2.6.25 have the virtio drivers; Windows only when somebody has put them in.
  const virtio =
    forKvm && guest.name === 'linux' && !(/^(rhel|centos)$/.test(guest.distro ?? '') && Number(guest.major) < 6);
  return [
    ['os_type', guest.name === 'linux' || guest.name === 'windows' ? guest.name : undefined, because],
    ['os_distro', distroOf(guest), because],
    ['os_version', versionOf(guest), because],
    ['os_name', osinfoOf(guest), because],
    ['architecture', guest.arch === 'i386' ? 'i686' : guest.arch, because],
    ['hw_disk_bus', virtio ? 'virtio' : undefined, 'Linux has the driver'],
    ['hw_vif_model', virtio ? 'virtio' : undefined, 'Linux has the driver'],
  ];
}

function overrideReason(found: Property | undefined): string {
  return found ? `--property, in place of ${found.value}` : '--property';
}

function overrideFindings(image: Detected, overrides: Overrides): ImageFinding[] {
  const findings: ImageFinding[] = [];
  for (const [name, value] of overrides) {
    const values = allowed[name];
    if (values && !values.includes(value)) {
      findings.push(
        warning('property', `${name} cannot be ${printable(value)}: the Image service takes ${values.join(', ')}`),
      );
    }
  }
  const format = overrides.get('disk_format');
  // A filesystem and a disk differ by what they are meant for, not by their bytes.
  const same = format === image.format || (format === 'raw' && image.format === 'ami') || image.format === 'compressed';
  if (format !== undefined && allowed['disk_format']?.includes(format) && !same) {
    findings.push(
      warning(
        'property',
        `disk_format=${format} contradicts its contents (${image.format}): the Image service may refuse it`,
      ),
    );
  }
  return findings;
}
