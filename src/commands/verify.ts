import { writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { messageOf, VmkilnError } from '../errors.ts';
import { verifyFile, type VerifyTerms } from '../pipeline/verify-image.ts';
import { jsonText } from '../text.ts';
import { checksText } from '../ui/checks-text.ts';
import { paintFor } from '../ui/format.ts';
import type { CommandContext } from '../ui/ui.ts';
import { junit } from '../verify/junit.ts';

/**
 * `vmkiln verify`: boots two clones of an image and says what is wrong with it, as text or as one JSON value. Returns 1 when a check
 * fails.
 *
 * @throws VmkilnError as `verifyFile` does; USAGE when the results cannot be written.
 */
export async function verify(
  image: string,
  options: VerifyTerms & { junit?: string; json?: boolean },
  { signal, say, world }: CommandContext,
): Promise<number> {
  if (options.junit !== undefined) await writeReport(options.junit, '');
  const began = performance.now();
  const verdict = await verifyFile(image, options, { signal, world, note: say });
  const seconds = (performance.now() - began) / 1000;
  if (options.junit !== undefined) await writeReport(options.junit, junit(basename(image), verdict.results, seconds));
  const text = options.json
    ? jsonText({ image, ...verdict })
    : checksText(verdict.results, paintFor(process.stdout, world.env));
  process.stdout.write(`${text}\n`);
  return verdict.passed ? 0 : 1;
}

/** A place that cannot be written is told before anything is booted. */
async function writeReport(path: string, text: string): Promise<void> {
  await writeFile(path, text).catch((cause: unknown) => {
    const hint = 'name a file in a folder that is there and that you may write';
    throw new VmkilnError('USAGE', `the results cannot be written to ${path}: ${messageOf(cause)}`, { hint, cause });
  });
}
