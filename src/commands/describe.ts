import { describeImage } from '../describe/describe.ts';
import { probeAppliance } from '../host/probe.ts';
import { jsonText } from '../text.ts';
import { paintFor } from '../ui/format.ts';
import { inventoryText } from '../ui/inventory-text.ts';
import type { CommandContext } from '../ui/ui.ts';
import { version } from '../version.ts';

/** The forms in which an inventory is printed. */
export type DescribeFormat = 'text' | 'json' | 'cyclonedx' | 'spdx';

/**
 * `vmkiln describe`: what is in an image, without booting it.
 *
 * @throws VmkilnError IMAGE_UNFIT, USAGE when there is no such file, those of the appliance.
 */
export async function describe(
  image: string,
  { format }: { format: DescribeFormat },
  { signal, say, world }: CommandContext,
): Promise<void> {
  const inventory = await describeImage(image, () => probeAppliance(world, signal, say), { signal, note: say });
  if (format === 'json') process.stdout.write(`${jsonText(inventory)}\n`);
  else if (format === 'text')
    process.stdout.write(inventoryText(image, inventory, paintFor(process.stdout, world.env)));
  else if (format === 'spdx') process.stdout.write((await import('../describe/spdx.ts')).spdxOf(inventory, version()));
  // Only now: its library takes its time to load.
  else process.stdout.write((await import('../describe/sbom.ts')).sbomOf(inventory, version()));
}
