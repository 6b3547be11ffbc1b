import { z } from 'zod';
import { duration, hostPath } from './values.ts';

const script = () => hostPath('the path of a script or program');

const form = z.strictObject({
  run: script().describe(
    'A `.mjs` file, run as a zx script, or any executable file, run as it is; relative to the recipe. Or one that vmkiln ships: `webhook.mjs`, `notify.mjs`, `vulnerabilities.mjs`.',
  ),
  timeout: duration().prefault('5m').describe('The longest time that the hook may take.'),
  onError: z
    .enum(['fail', 'warn'])
    .prefault('fail')
    .describe('Whether a hook that fails makes the build fail or only warns. `onFailure` always only warns.'),
});

const hook = z
  .union([script(), form], { error: 'expected a path, or { run: PATH, timeout: 5m, onError: fail }' })
  .transform((value) => (typeof value === 'string' ? form.parse({ run: value }) : value));

/** The scripts of the user's own around a build, by the moment at which they run. */
export const hooks = z.strictObject({
  afterInstall: hook
    .optional()
    .describe('Runs when the installer has finished; not when the checkpoint of an earlier installation is used.'),
  beforeVerify: hook.optional().describe('Runs when the image is finished, before it is verified.'),
  afterBuild: hook
    .optional()
    .describe('Runs when the image is finished, verified and described, before any target gets it.'),
  afterUpload: hook.optional().describe('Runs when all targets have the image.'),
  onFailure: hook.optional().describe('Runs when the build has failed; not when it was interrupted.'),
});

/** The moments at which a hook may run. */
export type HookName = keyof z.output<typeof hooks>;

/** A hook of a recipe. `run` is an absolute path once the recipe is loaded, `timeout` is in seconds. */
export type HookSpec = z.output<typeof hook>;

/** Whether a hook is run with zx, and not as a program of its own. */
export function isZxScript(path: string): boolean {
  return path.endsWith('.mjs');
}
