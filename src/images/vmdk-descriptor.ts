import { printable } from './text.ts';

/** One line of the extent description. `size` is in bytes; `file` is undefined for an extent of zeros. */
type Extent = { access: string; size: number; type: string; file: string | undefined };

/** The text part of a VMDK (VMware's "Virtual Disk Format 5.0"). */
export type Descriptor = {
  createType: string | undefined;
  adapterType: string | undefined;
  parentCID: string | undefined;
  parentFileNameHint: string | undefined;
  virtualHWVersion: string | undefined;
  extents: readonly Extent[];
  /** Lines that are none of what a descriptor has. */
  strange: readonly string[];
};

const extentLine =
  /^(RW|RDONLY|NOACCESS)\s+(\d+)\s+(FLAT|SPARSE|ZERO|VMFS|VMFSSPARSE|VMFSRDM|VMFSRAW|SESPARSE)\b(?:\s+"([^"]*)")?/i;
const assignment = /^([\w.]+)\s*=\s*(.*)$/;
/** Extents and strange lines beyond this many are not kept. */
const kept = 64;

/** Whether a text is a descriptor: its heading, or a version as its first line that is no comment (as QEMU decides). */
export function isDescriptor(text: string): boolean {
  return /^# Disk DescriptorFile/i.test(text) || /^(?:[ \t]*(?:#[^\n]*)?\r?\n){0,50}[ \t]*version=\d/i.test(text);
}

/** Reads a descriptor, whose keys are not case-sensitive. */
export function parseDescriptor(text: string): Descriptor {
  const values = new Map<string, string>();
  const extents: Extent[] = [];
  const strange: string[] = [];
  for (const raw of text.replaceAll('\0', '').split('\n')) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const extent = extentLine.exec(line);
    const [, key, value] = assignment.exec(line) ?? [];
    if (extent) {
      const [, access = '', sectors = '', type = '', file] = extent;
      const one = { access: access.toUpperCase(), size: Number(sectors) * 512, type: type.toUpperCase() };
      if (extents.length < kept) extents.push({ ...one, file: file === undefined ? undefined : printable(file) });
    } else if (key !== undefined && value !== undefined) values.set(key.toLowerCase(), unquoted(value));
    else if (strange.length < kept) strange.push(printable(line).slice(0, 80));
  }
  const get = (key: string) => values.get(key.toLowerCase());
  return {
    createType: get('createType'),
    adapterType: get('ddb.adapterType'),
    parentCID: get('parentCID'),
    parentFileNameHint: get('parentFileNameHint'),
    virtualHWVersion: get('ddb.virtualHWVersion'),
    extents,
    strange,
  };
}

function unquoted(value: string): string {
  return printable(value.trim().replace(/^"(.*)"$/, '$1'));
}
