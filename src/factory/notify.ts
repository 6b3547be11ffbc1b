import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hookCommand, hookFailure, nameOfHook } from '../hooks.ts';
import type { World } from '../model.ts';
import { exec } from '../tools/exec.ts';
import { withTemporary } from '../tools/temporary.ts';
import type { Factory } from './form.ts';
import { entriesOf, type NightSummary } from './summary.ts';

/**
 * Tells of a night, whoever wants to know: as a hook of a recipe is told of its build, in one JSON document on standard input and in a file.
 * `text` is the summary in words, for those that pass it on to people.
 *
 * @returns what did not work, in sentences: the night is over whatever becomes of its messages.
 */
export async function notify(
  { notify: whom }: Pick<Factory, 'notify'>,
  summary: NightSummary,
  text: string,
  { signal, world }: { signal: AbortSignal; world: World },
): Promise<string[]> {
  const failures: string[] = [];
  const context = {
    version: 1,
    hook: 'afterNight',
    build: summary.night,
    text,
    night: summary,
  };
  const input = `${JSON.stringify(context)}\n`;
  for (const { run, when, timeout } of whom) {
    if (!concerns(when, summary)) continue;
    const folder = dirname(summary.file);
    const command = hookCommand({ run });
    try {
      await withTemporary('vmkiln-night-', async (temporary) => {
        const file = join(temporary, 'night.json');
        await writeFile(file, input, { mode: 0o600 });
        const env = { ...world.env, VMKILN_CONTEXT: file };
        await exec({ ...command, timeout, signal, cwd: folder, env, input });
      });
    } catch (error) {
      failures.push(hookFailure(nameOfHook(run, folder), command.program, error).message);
    }
  }
  return failures;
}

/** Whether somebody who wants to know of such nights is told of this one. Pure. */
function concerns(when: Factory['notify'][number]['when'], summary: NightSummary): boolean {
  if (when === 'always' || summary.outcome !== 'done') return true;
  return (
    when === 'change' && (['built', 'promoted'] as const).some((outcome) => entriesOf(summary, outcome).length > 0)
  );
}
