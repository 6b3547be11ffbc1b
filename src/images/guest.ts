import { printable } from './text.ts';

/** An operating system inside an image, in the words of virt-inspector(1). Versions are numbers as text, "0" when unknown. */
export type Guest = {
  name: string;
  arch?: string;
  distro?: string;
  productName?: string;
  major: string;
  minor: string;
  /** Short id of osinfo-db. */
  osinfo?: string;
};

const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };

/**
 * Reads the XML of `virt-inspector --no-applications --no-icon`. Only the plain elements that lead each operating system
 * are of interest: its schema (virt-inspector.rng) has them before the mount points.
 */
export function parseInspector(xml: string): Guest[] {
  return [...xml.matchAll(/<operatingsystem>([\s\S]*?)<\/operatingsystem>/g)].map(([, body = '']) => {
    const head = body.split('<mountpoints')[0] ?? '';
    const values = new Map(
      [...head.matchAll(/<([a-z_]+)>([^<]*)<\/\1>/g)].map(([, key, text]) => [key, plain(text ?? '')]),
    );
    const optional = (key: string, name: string) => {
      const value = values.get(name);
      return value === undefined || value === '' || value === 'unknown' ? {} : { [key]: value };
    };
    return {
      name: values.get('name') ?? 'unknown',
      major: values.get('major_version') ?? '0',
      minor: values.get('minor_version') ?? '0',
      ...optional('arch', 'arch'),
      ...optional('distro', 'distro'),
      ...optional('productName', 'product_name'),
      ...optional('osinfo', 'osinfo'),
    };
  });
}

/** The text of an element, fit to be shown: it comes from files of the guest. */
function plain(text: string): string {
  const resolved = text.replace(/&(?:#(\d+)|#x([\da-fA-F]+)|([a-z]+));/g, (all, decimal, hex, name) => {
    if (name !== undefined) return entities[name] ?? all;
    const code = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal);
    return code <= 0x10ffff ? String.fromCodePoint(code) : all;
  });
  return printable(resolved.trim());
}

/** What libguestfs has no name for, or another one than libosinfo, told by the name of the product as well. */
function linux({ distro, productName = '' }: Guest): string | undefined {
  if (distro === 'redhat-based') return productName.startsWith('AlmaLinux') ? 'almalinux' : undefined;
  if (distro === 'oraclelinux') return 'ol';
  return distro === 'centos' && productName.includes('Stream') ? 'centos-stream' : distro;
}

/** Distributions whose minor releases are part of their version, even the first. */
const withMinor = ['rhel', 'centos', 'rocky', 'almalinux', 'ol'];

/** The version as its maker writes it: "7.9", "22.04", "38"; of Windows the name on the box, "2022". */
export function versionOf(guest: Guest): string | undefined {
  const { name, distro, major, minor, productName = '' } = guest;
  if (name === 'windows')
    return /Server (\d{4}(?: R2)?)|Windows (\d+|XP|Vista)/.exec(productName)?.slice(1).find(Boolean);
  if (major === '0') return undefined;
  if (distro === 'ubuntu') return `${major}.${minor.padStart(2, '0')}`;
  return minor === '0' && !withMinor.includes(linux(guest) ?? '') ? major : `${major}.${minor}`;
}

/** The distribution by the vocabulary of libosinfo, which is what `os_distro` wants. */
export function distroOf(guest: Guest): string | undefined {
  const distro = linux(guest);
  return guest.name === 'windows' ? 'windows' : distro === 'centos-stream' ? 'centos' : distro;
}

/** The short id of osinfo-db: libguestfs makes some up from its own names of distributions, which osinfo-db does not have. */
export function osinfoOf(guest: Guest): string | undefined {
  // Of a server that is newer than itself it says win2k16 (inspect_osinfo.ml).
  const server = guest.name === 'windows' && /Server (20[12]\d)\b(?! R2)/.exec(guest.productName ?? '')?.[1];
  if (server && guest.major === '10') return `win2k${server.slice(2)}`;
  const distro = linux(guest);
  if (distro === guest.distro) return guest.osinfo;
  if (distro === 'ol') return `ol${versionOf(guest)}`;
  return distro && `${distro}${guest.major}`;
}
