import { z } from 'zod';
import { secret } from './values.ts';

const form = z.strictObject({
  signWith: secret()
    .optional()
    .describe('Private key in PEM, without a passphrase, that signs the statements about the image, by reference.'),
});

/** Whether and how a finished image is described. */
export const describeKey = z
  .union([z.boolean(), form], { error: 'expected true, false, or { signWith: { file: KEY } }' })
  .prefault(true)
  .transform((value) => (typeof value === 'object' ? value : value ? {} : undefined))
  .describe(
    'Whether the build writes an inventory, a bill of materials and a provenance of the finished image, and how.',
  );

export type Describe = z.output<typeof form>;
