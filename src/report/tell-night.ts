import { messageOf } from '../errors.ts';
import type { Factory } from '../factory/form.ts';
import { notify } from '../factory/notify.ts';
import type { NightSummary } from '../factory/summary.ts';
import type { World } from '../model.ts';
import { listBuilds } from '../pipeline/builds.ts';
import { allHarmless } from '../text.ts';
import { nightText } from '../ui/night-text.ts';
import { writeNight } from './write.ts';

/**
 * Writes the page of a night and sends its messages; what does not work is a warning of the night. One that was stopped sends none.
 *
 * @param report folder for the page, as an absolute path; without, there is none.
 */
export async function tellNight(
  summary: NightSummary,
  factory: Pick<Factory, 'notify'>,
  { report, signal, world }: { report: string | undefined; signal: AbortSignal; world: World },
): Promise<NightSummary> {
  const warnings = [...summary.warnings];
  let page: string | undefined;
  if (report !== undefined) {
    page = await writeNight(summary, await listBuilds(world), report).catch((error: unknown) => {
      warnings.push(`there is no page of this night: ${messageOf(error)}`);
      return undefined;
    });
  }
  const told: NightSummary = { ...summary, ...(page === undefined ? {} : { page }), warnings };
  if (signal.aborted) return told;
  const failures = await notify(factory, told, nightText(allHarmless(told)), { signal, world });
  return { ...told, warnings: [...warnings, ...failures] };
}
