import { withFitImage } from '../images/gate.ts';
import { runAppliance } from '../images/appliance.ts';
import type { ApplianceHost } from '../model.ts';
import { digestFile } from '../store/digest.ts';
import { withTemporary } from '../tools/temporary.ts';
import { collectContents } from './collect.ts';
import type { Inventory } from './inventory.ts';

/**
 * The inventory of an image, whoever made it. It is refused when it is unfit, or needs other files.
 *
 * @param host is asked when an appliance is needed.
 * @throws VmkilnError IMAGE_UNFIT, INPUT_CHANGED, USAGE when there is no such file, those of `exec`.
 */
export async function describeImage(
  path: string,
  host: () => Promise<ApplianceHost>,
  { signal, note }: { signal: AbortSignal; note: (message: string) => void },
): Promise<Inventory> {
  return withFitImage(path, { anyName: true }, { signal }, async (file, { format, virtualSize }) => {
    const found = await host();
    note(`reading what is in ${path}${found.accelerator === 'tcg' ? ' (without KVM: a minute)' : ''}`);
    const sha256 = await digestFile(file.open, signal);
    const contents = await withTemporary('vmkiln-describe-', (folder) =>
      collectContents((call) => runAppliance({ path: file.open, format }, call, signal), folder, found),
    );
    const image = { format, size: file.size, ...(virtualSize !== undefined && { virtualSize }), sha256 };
    return { version: 1, image, ...contents };
  });
}
