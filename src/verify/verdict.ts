import type { Inspection } from '../images/inspect.ts';
import type { ClonedImage } from './clone.ts';
import type { CheckResult } from './expectation.ts';
import type { Port } from './ports.ts';

/** What the checks of an image came to, as it is kept beside it, and the open ports of its clones where these could be asked. */
export type Verdict = { version: 1; passed: boolean; results: readonly CheckResult[]; ports?: readonly Port[] };

/** An image passes when no check has failed. */
export function verdictOf(results: readonly CheckResult[], ports?: readonly Port[]): Verdict {
  const passed = !results.some(({ outcome }) => outcome === 'failed');
  return { version: 1, passed, results, ...(ports && { ports }) };
}

/** The results with those of `skip` let through, whatever they found. */
export function withSkips(results: readonly CheckResult[], skip: readonly string[]): CheckResult[] {
  return results.map((result) => {
    if (result.outcome !== 'failed' || !skip.includes(result.check)) return result;
    return { ...result, outcome: 'skipped', message: `it may fail: ${result.message}` };
  });
}

/** What the header of an image and its partition table say of the machine that it needs. */
export function machineOf({ format, virtualSize = 0, table }: Inspection): Omit<ClonedImage, 'path'> {
  const boots = table?.boots ?? [];
  return { format, virtualSize, firmware: boots.includes('uefi') && !boots.includes('bios') ? 'uefi' : 'bios' };
}
