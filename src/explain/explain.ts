import { kindOf, type Log, prepareLog, type ReadLog } from './logs.ts';
import type { KnownFailure } from './failure.ts';

/** A cause that was found, with its evidence: `text` is the line `line` (from 1) of `file`, a path in the build's folder. */
export type Cause = {
  id: string;
  title: string;
  cause: string;
  remedy?: string;
  source: string;
  file: string;
  line: number;
  text: string;
};

type Found = Cause & { isGeneral: boolean; isInMessage: boolean; at: readonly [log: number, position: number] };

/**
 * The causes that logs show, best first: what explains comes before what only tells of a failure, what the failure itself
 * says before what stands in a log alone, and then the earliest. Each is named once. Pure.
 *
 * @param logs in the order in which they were written.
 * @param message what the failure itself says, as a log: its evidence counts where no other log has it.
 */
export function findCauses(logs: readonly Log[], message: Log, failures: readonly KnownFailure[]): Cause[] {
  const read = logs.map(prepareLog);
  const said = prepareLog(message);
  const found = failures.flatMap((failure) => findOne(failure, read, said) ?? []);
  return found.toSorted(byWeight).map(({ isGeneral: _general, isInMessage: _message, at: _at, ...cause }) => cause);
}

function byWeight(a: Found, b: Found): number {
  return (
    Number(a.isGeneral) - Number(b.isGeneral) ||
    Number(b.isInMessage) - Number(a.isInMessage) ||
    a.at[0] - b.at[0] ||
    a.at[1] - b.at[1]
  );
}

function findOne(failure: KnownFailure, logs: readonly ReadLog[], message: ReadLog): Found | undefined {
  const said = firstMatch(failure, message);
  for (const [index, log] of logs.entries()) {
    const match = failure.logs.includes(kindOf(log.file)) ? firstMatch(failure, log) : undefined;
    if (match) return foundAt(failure, log, match, index, said !== undefined);
  }
  return said && foundAt(failure, message, said, logs.length, true);
}

function firstMatch({ match }: KnownFailure, { text }: ReadLog): RegExpExecArray | undefined {
  const matches = match.map((pattern) => pattern.exec(text)).filter((each) => each !== null);
  return matches.toSorted((a, b) => a.index - b.index)[0];
}

function foundAt(
  { id, title, cause, remedy, source, isGeneral }: KnownFailure,
  log: ReadLog,
  match: RegExpExecArray,
  index: number,
  isInMessage: boolean,
): Found {
  const groups = match.groups ?? {};
  const before = log.text.slice(0, match.index + (/^\s*/.exec(match[0])?.[0].length ?? 0)).split('\n').length - 1;
  return {
    ...{ id, title, source, isGeneral: isGeneral ?? false, isInMessage, at: [index, match.index] },
    cause: fill(cause, groups),
    ...(remedy !== undefined && { remedy: fill(remedy, groups) }),
    ...{
      file: log.file,
      line: log.first + before,
      text: clip(log.text.split('\n')[before]?.trim().replaceAll('\u2028', ' ') ?? ''),
    },
  };
}

/** Puts groups into a sentence: `{name}`; a part in brackets goes when a group in it is empty. */
function fill(sentence: string, groups: Readonly<Record<string, string | undefined>>): string {
  const value = (name: string) => clip(groups[name]?.replaceAll(/\s+/g, ' ').trim() ?? '', 200);
  const put = (text: string) => text.replaceAll(/\{(\w+)\}/g, (_all, name: string) => value(name));
  return put(
    sentence.replaceAll(/\[([^\]]*\{(\w+)\}[^\]]*)\]/g, (_all, part: string, name: string) =>
      value(name) === '' ? '' : part,
    ),
  );
}

function clip(text: string, length = 300): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}
