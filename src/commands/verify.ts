import { basename } from 'node:path';
import { verifyFile, type VerifyTerms } from '../pipeline/verify-image.ts';
import { jsonText } from '../text.ts';
import { checksText } from '../ui/checks-text.ts';
import { paintFor } from '../ui/format.ts';
import type { CommandContext } from '../ui/ui.ts';
import { junit } from '../verify/junit.ts';
import { checkResultsFile, writeResults } from './results-file.ts';

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
  if (options.junit !== undefined) await checkResultsFile(options.junit);
  const began = performance.now();
  const verdict = await verifyFile(image, options, { signal, world, note: say });
  const seconds = (performance.now() - began) / 1000;
  const text = options.json
    ? jsonText({ image, ...verdict })
    : checksText(verdict.results, paintFor(process.stdout, world.env));
  process.stdout.write(`${text}\n`);
  if (options.junit !== undefined) await writeResults(options.junit, junit(basename(image), verdict.results, seconds));
  return verdict.passed ? 0 : 1;
}
