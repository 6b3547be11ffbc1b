import { z } from 'zod';
import { duration, hostPath, line } from '../../recipe/values.ts';

/** The `command` target: a program of the user's that publishes. */
export const command = z
  .strictObject({
    run: hostPath('the path of a program or script').describe(
      'A `.mjs` file, run as a zx script, or any executable file, run as it is; relative to the recipe.',
    ),
    name: line('a name').optional().describe('Name of the target in messages. By default the name of the file.'),
    local: z
      .boolean()
      .prefault(false)
      .describe('Whether images stay on this host: results of rehearsals go only to such targets.'),
    options: z
      .record(line('the name of an option'), z.union([z.string(), z.number(), z.boolean()]))
      .prefault({})
      .describe('Settings for the program, as `options` of its input. No secrets: name a variable.'),
    timeout: duration().prefault('1h').describe('The longest time that the publication of one image may take.'),
  })
  .describe('A program of your own that publishes the image (docs/targets.md).');

/** A validated `command` target. `run` is an absolute path once the recipe is loaded, `timeout` is in seconds. */
export type CommandSpec = z.output<typeof command>;
