import { messageOf, unforeseen, VmkilnError } from '../errors.ts';
import type { Explanation } from '../model.ts';
import { harmless } from '../text.ts';
import { noPaint, type Paint } from './format.ts';

/**
 * What a person reads of an error: what happened, why, and what to do next.
 * An error that vmkiln does not know is its own fault, and says so; `debug` adds stacks.
 */
export function errorText(error: unknown, options: { debug?: boolean; paint?: Paint } = {}): string {
  const paint = options.paint ?? noPaint;
  const known = error instanceof VmkilnError;
  const lines = [
    `${paint('bad', 'vmkiln:')} ${known ? harmless(messageOf(error)) : `unexpected error: ${harmless(unforeseen(error))}`}`,
  ];
  const cause = error instanceof Error ? error.cause : undefined;
  if (cause !== undefined && !messageOf(error).includes(messageOf(cause)))
    lines.push(labelled('why', harmless(messageOf(cause))));
  const advice = options.debug
    ? 'this is a bug in vmkiln: please report it with what is above'
    : 'this is a bug in vmkiln: run it again with VMKILN_DEBUG=1 and report what it prints';
  const explanation = known ? error.explanation : undefined;
  const hint = known ? adviceOf(error) : advice;
  if (options.debug) for (const stack of stacks(error)) lines.push(harmless(stack));
  if (explanation) lines.push(labelled('why', harmless(whyOf(explanation))));
  if (hint !== undefined) lines.push(labelled('next', harmless(hint)));
  return lines.join('\n');
}

/** The named cause of a failure, with its evidence. */
export function whyOf({ cause, file, line }: Explanation): string {
  return `${cause} (${file}:${line})`;
}

/** What to do about a failure: what the named cause advises comes first. */
export function adviceOf({
  code,
  hint,
  explanation,
}: {
  code?: string | undefined;
  hint?: string | undefined;
  explanation?: Explanation | undefined;
}): string | undefined {
  const remedy = explanation?.remedy;
  // Both would say that there has to be room.
  const own = code === 'DISK_FULL' && remedy !== undefined ? undefined : hint;
  return [remedy, own].filter((part) => part !== undefined).join('; ') || undefined;
}

/** `  why: text`, its further lines indented under the first. */
export function labelled(label: string, text: string): string {
  const indent = ' '.repeat(label.length + 4);
  return `  ${label}: ${text.trimEnd().replaceAll('\n', `\n${indent}`)}`;
}

function stacks(error: unknown): string[] {
  const found: string[] = [];
  for (let at = error; at instanceof Error && found.length < 8; at = at.cause) found.push(at.stack ?? String(at));
  return found;
}
