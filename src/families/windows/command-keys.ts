import { z } from 'zod';
import { line } from '../../recipe/values.ts';

/** cmd reads lines of 8191 characters ("Command prompt line string limitation"), some of which its own call takes. */
const longest = 8000;

/**
 * What would cut the build short, as the first command of a line or behind another: it goes on after the restarts that it makes
 * itself. What only names such a command, as a task or a text, is left alone.
 */
const ends =
  /(^|[&|(]|\b(cmd(\.exe)?\s+\/c|start(\s+"[^"]*")?|call)\s)\W*(\S+\\)?(shutdown(\.exe)?"?\s[^&|]*[-/][rsgp]\b|sysprep(\.exe)?"?\s)|^\W*(\S+\\)?(powershell|pwsh)(\.exe)?"?\s.*(["{;]|-c\w*)\s*(Restart|Stop)-Computer\b/i;

/** A command of the user's, as it stands in a recipe: a line as at a prompt of cmd, or a PowerShell script. */
export const command = z.union(
  [
    line('a command on one line')
      .refine((text) => !/\bfor\s[^%]*%%[A-Za-z]\b/i.test(text), {
        error: 'expected `for %i`, with one percent sign as at a prompt: in no batch file is this command',
      })
      .refine((text) => /[^;\s]/.test(text), { error: 'expected a command, got nothing that runs' })
      .refine((text) => !ends.test(text), {
        error:
          'expected no command that restarts, ends or generalizes Windows: end it with `exit 3010` for a restart; Sysprep runs at the end of the build',
      })
      // A prompt opens it in an editor; and no file of the host is in the guest.
      .refine((text) => !/^("[^"]*|\S*)\.ps1("|\s|$)/i.test(text), {
        error: 'expected { script: FILE } for a script of PowerShell, which no prompt of cmd runs',
      })
      .refine((text) => text.length <= longest, {
        error: `expected at most ${longest} characters: put it into a script`,
      }),
    z.strictObject({
      script: line('a path to a .ps1 file (what a batch file or a program does is a command)', /\.ps1$/i).describe(
        'Your own PowerShell script, in UTF-8; relative to the recipe. It runs with a transcript, and an error that it does not handle ends the build.',
      ),
    }),
  ],
  { error: 'expected a command on one line, or { script: FILE.ps1 }' },
);

export type WindowsCommand = z.output<typeof command>;
