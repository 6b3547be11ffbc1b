import { z } from 'zod';
import { guestPath, hostPath, line } from '../../recipe/values.ts';

const steps = {
  upload: z
    .strictObject({
      from: hostPath().describe('Your own file; relative to the recipe.'),
      to: guestPath().describe('Path of the file in the guest: `/Tools/x.exe` is `C:\\Tools\\x.exe`.'),
    })
    .describe('Copies your own file into the guest.'),
  write: z
    .strictObject({
      path: guestPath().describe('The file in the guest.'),
      content: z.string().describe('The whole content of the file.'),
    })
    .describe('Writes a file in the guest.'),
  mkdir: guestPath().describe('Makes a directory in the guest, and its parents.'),
  delete: guestPath().describe('Deletes a file, or a directory with its contents; shell patterns are allowed.'),
  firstboot: z
    .strictObject({
      script: line('a path to a .ps1, .cmd or .bat file', /\.(ps1|cmd|bat)$/i).describe(
        'Your own script, a .ps1, .cmd or .bat file; relative to the recipe.',
      ),
    })
    .describe('A script that Cloudbase-Init runs at the first boot of each instance, in the order of the recipe.'),
};

/** One step of `customize` for Windows: an object with exactly one of these keys. Paths begin at drive C. */
export const windowsStep = z
  .strictObject({
    upload: steps.upload.optional(),
    write: steps.write.optional(),
    mkdir: steps.mkdir.optional(),
    delete: steps.delete.optional(),
    firstboot: steps.firstboot.optional(),
  })
  .refine((value) => Object.keys(value).length === 1, {
    error: `expected exactly one of ${Object.keys(steps).join(', ')}`,
  })
  .meta({ minProperties: 1, maxProperties: 1 });

export type WindowsStep = z.output<typeof windowsStep>;
