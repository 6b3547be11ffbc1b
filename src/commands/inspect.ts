import { withImage } from '../images/file.ts';
import { inspectImage } from '../images/inspect.ts';
import { parseOverrides } from '../images/properties.ts';
import { reportOf } from '../images/report.ts';
import { paintFor } from '../ui/format.ts';
import { inspectionText } from '../ui/inspection-text.ts';
import type { CommandContext } from '../ui/ui.ts';
import { jsonText } from '../text.ts';

/**
 * `vmkiln inspect`: what an image is, which Image service properties follow, and what is wrong with it, as text or as one
 * JSON value. Returns 1 when the image is unfit: damaged, contradictory, or not whole without other files.
 *
 * @throws VmkilnError USAGE when there is no such file, or INTERRUPTED.
 */
export async function inspect(
  image: string,
  options: { json?: boolean; guest: boolean; property: string[] },
  { signal, say, world }: CommandContext,
): Promise<number> {
  const overrides = parseOverrides(options.property);
  const guest = options.guest
    ? async () => (await import('../host/probe.ts')).probeAppliance(world, signal, say)
    : undefined;
  const report = await withImage(image, async (file) =>
    reportOf(file, await inspectImage(file, { signal, progress: say, ...(guest && { guest }) }), overrides),
  );
  const text = options.json ? jsonText(report) : inspectionText(image, report, paintFor(process.stdout, world.env));
  process.stdout.write(`${text}\n`);
  return report.findings.some(({ level }) => level === 'error') ? 1 : 0;
}
