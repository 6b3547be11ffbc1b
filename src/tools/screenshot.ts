import type * as Pngjs from 'pngjs';
import { load } from '../load.ts';

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
  const { PNG } = load<typeof Pngjs>('pngjs');
  const png = new PNG({ width, height });
  for (let from = 0, to = 0; to < png.data.length; from += 3, to += 4) {
    pixels.copy(png.data, to, from, from + 3);
    png.data[to + 3] = 255;
  }
  return PNG.sync.write(png);
}
