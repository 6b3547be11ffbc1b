import type { Detail } from '../images/header.ts';
import type { Report } from '../images/report.ts';
import { noPaint } from './format.ts';
import type { Paint } from './format.ts';
import { formatBytes, harmless, shellQuote } from '../text.ts';

/** What was found about an image, for people. `image` is the path as they gave it. */
export function inspectionText(image: string, report: Report, paint: Paint = noPaint): string {
  const blocks = [
    [paint('title', harmless(image, { oneLine: true })), ...rows(facts(report))],
    section('Details', rows(Object.entries(report.details).map(([name, value]) => [name, detailText(value)])), paint),
    section('Partitions', partitionLines(report), paint),
    section('Guest', guestLines(report), paint),
    section('Image service properties', propertyLines(report), paint),
    section('Findings', findingLines(report, paint), paint),
  ];
  const errors = report.findings.filter(({ level }) => level === 'error').length;
  const verdict =
    errors === 0
      ? paint('good', 'no errors')
      : paint('bad', `${errors} ${errors === 1 ? 'error' : 'errors'}: do not use it as it is`);
  return `${blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n\n${verdict}`;
}

function section(title: string, lines: readonly string[], paint: Paint): string[] {
  return lines.length === 0 ? [] : [paint('title', title), ...lines];
}

function facts(report: Report): [string, string][] {
  const { format, subformat, virtualSize, fileSize, allocated } = report;
  return [
    ['format', subformat === undefined ? format : `${format}, ${subformat}`],
    ...(virtualSize === undefined ? [] : [['virtual size', sizeText(virtualSize)] as [string, string]]),
    ['file size', `${sizeText(fileSize)}, of which ${formatBytes(allocated)} on disk`],
  ];
}

/** Names and values in two columns. What is empty is not shown. */
function rows(pairs: readonly (readonly [string, string])[]): string[] {
  const shown = pairs.filter(([, value]) => value !== '');
  const width = Math.max(0, ...shown.map(([name]) => name.length));
  return shown.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`);
}

/** More parts of a detail than a person reads. */
const mostParts = 16;

function detailText(value: Detail): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value !== 'object') return String(value);
  const rest = value.length - mostParts;
  return rest > 0 ? `${value.slice(0, mostParts).join(', ')} and ${rest} more` : value.join(', ');
}

/** `8 GiB (8589934592 bytes)` */
function sizeText(bytes: number): string {
  return bytes < 1024 ? `${bytes} bytes` : `${formatBytes(bytes)} (${bytes} bytes)`;
}

function partitionLines({ partitionTable }: Report): string[] {
  if (!partitionTable) return [];
  const { kind, sectorSize, partitions } = partitionTable;
  return [
    `  ${kind.toUpperCase()}, sectors of ${sectorSize} bytes`,
    ...partitions.map(({ number, start, size, type, name }) => {
      const label = name === undefined ? '' : `, ${name}`;
      return `  ${String(number).padStart(3)}  ${type}${label}: ${formatBytes(size)} from ${formatBytes(start)}`;
    }),
  ];
}

function guestLines({ guests, guestSkipped }: Report): string[] {
  if (guestSkipped !== undefined) return [`  not known: ${guestSkipped}`];
  return guests.map(
    ({ productName, name, arch }) => `  ${productName ?? name}${arch === undefined ? '' : `, ${arch}`}`,
  );
}

/** The properties in the words of `openstack image create`, each with its reason. */
function propertyLines({ properties, because }: Report): string[] {
  return rows(
    Object.entries(properties).map(([name, value]) => [`${name}=${shellQuote(value)}`, `(${because[name]})`]),
  );
}

function findingLines({ findings }: Report, paint: Paint): string[] {
  return findings.map(({ level, code, message }) => {
    const mark = level === 'error' ? paint('bad', '✖') : paint('warn', '!');
    return `  ${mark} ${code}: ${message}`;
  });
}
