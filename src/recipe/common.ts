import { z } from 'zod';
import { hooks } from './hooks.ts';
import { duration, hostPath, line, show, size } from './values.ts';

/** What is not fetched: an address of another kind, or without a host. */
function isUnfetched(text: string): boolean {
  const [, scheme] = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text) ?? [];
  return scheme !== undefined && !(/^(https?|file)$/i.test(scheme) && URL.canParse(text));
}

const mediumPlace = (what: string) =>
  hostPath(what).refine((text) => !isUnfetched(text), {
    error: ({ input }) =>
      `expected ${what}, got ${show(input)}: a URL is http://HOST/… or https://HOST/…, anything else is downloaded first`,
  });

/** Where a medium is: a path or a URL. */
export const medium = (what: string) =>
  mediumPlace('a path or a URL').describe(
    `${what}: a URL, or a path relative to the recipe, or else to the current folder.`,
  );

const digestForm = '64 hexadecimal digits, or the URL or path of a SHA256SUMS file';
/** What no path looks like that somebody would give a list of checksums: 32 digits are an MD5. */
const isDigest = /^\s*(sha256:|[0-9a-z]{32,}\s*$)/i;

function digestFault(text: string): string {
  const digits = text.trim().replace(/^sha256:/i, '');
  const other = /[^0-9a-f]/i.exec(digits)?.[0];
  return other === undefined ? `${digits.length} digits` : `a digest with "${other}" in it`;
}

/** The checksum of a medium. */
export const checksum = (what: string) =>
  mediumPlace(digestForm)
    .refine((text) => !isDigest.test(text) || /^(sha256:)?[0-9a-f]{64}$/i.test(text.trim()), {
      error: ({ input }) => `expected ${digestForm}, got ${digestFault(String(input))}`,
    })
    .optional()
    .describe(
      `Checksum of ${what}: 64 hexadecimal digits, or the URL or path of a SHA256SUMS file. Verified when given.`,
    );

/** The disk of an image; `least` and `preset` are sizes such as `8G`. */
export const disk = (least: string, preset: string) =>
  z
    .strictObject({ size: size(least).describe('Size of the disk.') })
    .prefault({ size: preset })
    .describe('Disk of the image.');

/** The virtual machine of an installation. */
export const machineKeys = (least: { memory: string }, preset: { memory: string }) => ({
  memory: size(least.memory).prefault(preset.memory).describe('Memory of the virtual machine during the installation.'),
  vcpus: z.int().min(1).max(64).prefault(2).describe('Virtual CPUs during the installation.'),
  firmware: z.enum(['bios', 'uefi']).prefault('bios').describe('Firmware that the image boots with.'),
});

/** How any installer is driven. */
export const installKeys = (preset: { timeout: string; stallTimeout: string }) => ({
  timeout: duration().prefault(preset.timeout).describe('The longest time that the whole installation may take.'),
  stallTimeout: duration()
    .prefault(preset.stallTimeout)
    .describe('The longest time that the installation may show no sign of progress.'),
  variables: z
    .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), line('text on one line'))
    .prefault({})
    .describe('Values for your own template, as {{variables.NAME}}.'),
});

const output = z
  .strictObject({
    format: z
      .enum(['qcow2', 'raw'], {
        error: ({ input }) =>
          /^(vmdk|vdi|vhdx?|vpc|ami)$/i.test(String(input))
            ? `expected qcow2 or raw, got ${show(input)}: vmkiln convert makes one of the image, and so does upload to glance by its format`
            : undefined,
      })
      .prefault('qcow2')
      .describe('Format of the image.'),
    compression: z
      .enum(['zlib', 'zstd', 'none'])
      .optional()
      .describe('Compression of a qcow2, by default zlib. QEMU before 5.1 cannot read zstd.'),
  })
  .refine(({ format, compression = 'none' }) => format === 'qcow2' || compression === 'none', {
    path: ['compression'],
    error: 'expected none, or nothing: raw is not compressed',
  })
  .transform(({ format, compression = format === 'raw' ? 'none' : 'zlib' }) => ({ format, compression }));

/** The keys that every recipe begins with. */
export const firstKeys = {
  name: line(
    'a name of letters, digits, ".", "_" and "-" (at most 64, not starting with "." or "-")',
    /^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/,
  ).describe('Name of the image.'),
  description: z.string().optional().describe('What the image is for.'),
};

/** How the image is written. */
export const outputKey = output.prefault({}).describe('How the image is written.');

export const hooksKey = hooks
  .prefault({})
  .describe('Your own scripts that run on this host around the build. They must not change the image.');
