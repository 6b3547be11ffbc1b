import { VmkilnError } from '../errors.ts';
import { diffImages } from '../pipeline/inventories.ts';
import { jsonText } from '../text.ts';
import { differenceMarkdown, differenceText } from '../ui/difference-text.ts';
import { paintFor } from '../ui/format.ts';
import type { CommandContext } from '../ui/ui.ts';

/**
 * `vmkiln diff`: how two images differ. Each is an image, the inventory of one, or a build.
 *
 * @throws VmkilnError USAGE when there is no such image or build, IMAGE_UNFIT, those of the appliance.
 */
export async function diff(
  from: string,
  to: string,
  { json, markdown }: { json?: boolean; markdown?: boolean },
  { signal, say, world }: CommandContext,
): Promise<void> {
  if (json && markdown) {
    throw new VmkilnError('USAGE', '--json and --markdown are two forms of the same', { hint: 'give one of them' });
  }
  const found = await diffImages(from, to, { signal, world, note: say });
  const paint = paintFor(process.stdout, world.env);
  if (json) process.stdout.write(`${jsonText(found)}\n`);
  else process.stdout.write(markdown ? differenceMarkdown(found) : differenceText(found, paint));
}
