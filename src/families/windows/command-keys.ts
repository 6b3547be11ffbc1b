import { z } from 'zod';
import { line } from '../../recipe/values.ts';

/** A command of the user's, as it stands in a recipe: a line as at a prompt of cmd, or a PowerShell script. */
export const command = z.union(
  [
    line('a command on one line').refine((text) => !/\bfor\s[^%]*%%[A-Za-z]\b/i.test(text), {
      error: 'expected `for %i`, with one percent sign as at a prompt: in no batch file is this command',
    }),
    z.strictObject({
      script: line('a path to a .ps1 file', /\.ps1$/i).describe(
        'PowerShell script of yours, in UTF-8; relative to the recipe. It runs with a transcript, and an error that it does not handle ends the build.',
      ),
    }),
  ],
  { error: 'expected a command on one line, or { script: FILE.ps1 }' },
);

export type WindowsCommand = z.output<typeof command>;
