import { PNG } from 'pngjs';

/** Counters of a running domain that grow while it works: nanoseconds of CPU, bytes written and received. */
export type DomainActivity = { cpu: number; written: number; received: number };

/** Reads `virsh domstats --cpu-total --block --interface`. Missing counters count as 0. */
export function parseDomstats(text: string): DomainActivity {
  const sum = (pattern: RegExp) =>
    text.split('\n').reduce((total, line) => total + Number(pattern.exec(line.trim())?.[1] ?? 0), 0);
  return {
    cpu: sum(/^cpu\.time=(\d+)$/),
    written: sum(/^block\.\d+\.(?:wr|rd)\.bytes=(\d+)$/),
    received: sum(/^net\.\d+\.rx\.bytes=(\d+)$/),
  };
}

/**
 * Whether `virsh domstats --state` tells of a domain that QEMU stopped for an I/O error, as it does when the host's disk
 * is full: VIR_DOMAIN_PAUSED for VIR_DOMAIN_PAUSED_IOERROR of libvirt's virDomainState.
 */
export function pausedByDisk(text: string): boolean {
  return /^\s*state\.state=3$/m.test(text) && /^\s*state\.reason=5$/m.test(text);
}

/** Reads `virsh domstate --reason`: "shut off (shutdown)". */
export function parseDomstate(text: string): { state: string; reason: string } {
  const match = /^(.+?)(?: \((.+)\))?$/.exec(text.trim());
  return { state: match?.[1] ?? '', reason: match?.[2] ?? '' };
}

/**
 * Turns what `virsh screenshot` wrote into a PNG. QEMU hands out PNG or a binary PPM (P6, 8 bits a channel),
 * depending on its version.
 *
 * @throws Error when it is neither.
 */
export function screenshotToPng(data: Buffer): Buffer {
  if (data.subarray(1, 4).toString('latin1') === 'PNG') return data;
  const header = /^P6\s+(?:#.*\n)*(\d+)\s+(\d+)\s+255\s/.exec(data.subarray(0, 256).toString('latin1'));
  if (!header) throw new Error('neither PNG nor PPM');
  const width = Number(header[1]);
  const height = Number(header[2]);
  const pixels = data.subarray(header[0].length);
  const png = new PNG({ width, height });
  for (let from = 0, to = 0; to < png.data.length; from += 3, to += 4) {
    pixels.copy(png.data, to, from, from + 3);
    png.data[to + 3] = 255;
  }
  return PNG.sync.write(png);
}
