import { errorCatalogue, type ErrorCode, VmkilnError } from '../errors.ts';
import { type Cause, findCauses } from '../explain/explain.ts';
import { toolFailures } from '../explain/index.ts';
import { kindOf, type Line, linesThatMatter, type Log } from '../explain/logs.ts';
import { familyFailures } from '../families/index.ts';
import type { Explanation } from '../model.ts';
import { redact } from '../tools/exec.ts';
import { readLogs } from './build-logs.ts';
import { type BuildRecord, hasFailed } from './builds.ts';
import { eventsFile, readEvents } from './event-file.ts';
import type { Failure } from './events.ts';

/** Every failure that is known, of the tools and of the installers. */
export const knownFailures = [...familyFailures, ...toolFailures];

/** Errors that only pass on what a program said: their reason stands in the logs, if anywhere. */
const passedOn: ReadonlySet<string> = new Set<ErrorCode | 'UNKNOWN'>(['COMMAND_FAILED', 'INSTALL_FAILED', 'UNKNOWN']);
/** Errors that say that nothing more came, but not why: the last lines may. */
const silent: ReadonlySet<string> = new Set<ErrorCode>(['COMMAND_TIMEOUT', 'INSTALL_STALLED', 'INSTALL_TIMEOUT']);

/** Why a build failed: its causes, best first, and where none is known, or only that nothing came, the lines that matter most. */
export type Explained = { causes: Cause[]; lines: Line[] };

/**
 * Why a build failed, from its folder and what its failure says. An error that vmkiln words itself is its own cause where the
 * catalogue has none.
 */
export async function explain(folder: string, failure: Failure): Promise<Explained> {
  const { stage, code, message, hint, bundle } = failure;
  const isInstallation = bundle !== undefined || code.startsWith('INSTALL_');
  const own: Log = { file: eventsFile, text: message, first: await lineOfFailure(folder) };
  const logs = isSettled(code) ? [] : await readLogs(folder, { stage, isInstallation });
  const causes = isSettled(code) ? [] : findCauses(logs, own, knownFailures).map((cause) => atEvent(cause, own));
  if (causes.length > 0) return { causes, lines: [] };
  const lines = passedOn.has(code) || silent.has(code) ? linesThatMatter(tellers(logs, own, isInstallation)) : [];
  if (passedOn.has(code)) return { causes, lines };
  const [first = ''] = message.split('\n');
  const cause = { id: code, title: code, cause: first, ...(hint !== undefined && { remedy: hint }) };
  return {
    causes: [
      { ...cause, source: `docs/errors.md#${code.toLowerCase()}`, file: own.file, line: own.first ?? 1, text: first },
    ],
    lines,
  };
}

/**
 * Why a build of the list failed, with what its failure said; one that was killed could say nothing.
 *
 * @throws VmkilnError USAGE when it has not failed.
 */
export async function explainRecord(build: BuildRecord): Promise<Explained & { failure: Failure }> {
  if (!hasFailed(build)) {
    const state = build.outcome === 'running' ? 'is still running' : 'has not failed';
    throw new VmkilnError('USAGE', `${build.build} ${state}`, {
      hint: '`vmkiln builds --failed` lists those that have',
    });
  }
  const killed = { code: 'INTERRUPTED', message: 'the process of this build ended before it did' };
  const { folder, failure = killed } = build;
  return { failure, ...(await explain(folder, failure)) };
}

/** What the catalogue has to say of a failure, for the event that tells of it: without secrets. */
export async function explanationOf(
  folder: string,
  failure: Failure,
  secrets: readonly string[],
): Promise<Explanation | undefined> {
  const [best] = (await explain(folder, failure)).causes;
  if (best === undefined || best.id === failure.code) return undefined;
  const { id, cause, remedy, file, line } = best;
  const told = remedy === undefined ? {} : { remedy: redact(remedy, secrets) };
  return { id, cause: redact(cause, secrets), ...told, file, line };
}

/** A user's mistake, and an interruption, are explained by nothing that a program printed. */
function isSettled(code: string): boolean {
  const status = (errorCatalogue as Readonly<Record<string, number>>)[code];
  return status === errorCatalogue.USAGE || status === errorCatalogue.INTERRUPTED;
}

/** The logs that tell why: those of the machine when its installation failed, those of the programs else. */
function tellers(logs: readonly Log[], own: Log, isInstallation: boolean): Log[] {
  const ofMachine = logs.filter(({ file }) => kindOf(file) === 'installer');
  return [own, ...(isInstallation && ofMachine.length > 0 ? ofMachine : logs)];
}

/** A message is one line of the event log, however many lines it has. */
function atEvent(cause: Cause, own: Log): Cause {
  return cause.file === own.file ? { ...cause, line: own.first ?? 1 } : cause;
}

/** The line of events.ndjson that tells of the failure, from 1; the next one while it is not told yet. */
async function lineOfFailure(folder: string): Promise<number> {
  const events = await readEvents(folder);
  const index = events.findIndex(({ type }) => type === 'failed');
  return (index < 0 ? events.length : index) + 1;
}
