import { exec } from './exec.ts';

/**
 * The short ids ("rhel7.9") that the host's osinfo-db knows.
 *
 * @throws VmkilnError as `exec` does.
 */
export async function listOsinfoIds(signal: AbortSignal): Promise<string[]> {
  const { stdout } = await exec({ program: 'osinfo-query', args: ['os', '--fields=short-id'], timeout: 30, signal });
  return parseOsinfoIds(stdout);
}

/** Reads the table of `osinfo-query os --fields=short-id`: a heading, a rule, one line per system. */
export function parseOsinfoIds(text: string): string[] {
  const lines = text.split('\n');
  const rule = lines.findIndex((line) => /^-[-+]*$/.test(line.trim()));
  return lines
    .slice(rule + 1)
    .flatMap((line) => line.split(','))
    .map((id) => id.trim())
    .filter((id) => id !== '');
}

/**
 * The first candidate that is known. Candidates go from the release itself to older ones of its family; `exact` says
 * whether the release itself was found. A host's osinfo-db is often older than the guest, which must not stop a build.
 */
export function nearestOsinfo(
  candidates: readonly string[],
  known: readonly string[],
): { id: string | undefined; exact: boolean } {
  const ids = new Set(known);
  const id = candidates.find((candidate) => ids.has(candidate));
  return { id, exact: id !== undefined && id === candidates[0] };
}
