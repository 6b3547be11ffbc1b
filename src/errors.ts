import type { Explanation, StageName } from './model.ts';

/**
 * An error a person can act on: what happened (`message`), why (`cause`), what to do next (`hint`).
 * Codes are listed in docs/errors.md.
 */
export class VmkilnError extends Error {
  override readonly name = 'VmkilnError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  /** The folder with what is known about the failure, when there is one. */
  bundle: string | undefined;
  /** Its cause, when the catalogue of known failures has it. */
  explanation: Explanation | undefined;
  /** The stage that failed, when one did. */
  stage: StageName | undefined;
  /** The exit status of the program that failed, when one ended by itself. */
  exitCode: number | undefined;

  constructor(code: ErrorCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
  }
}

/** Every code and the exit status it leads to. Keep docs/errors.md in step: a test compares them. */
export const errorCatalogue = {
  RECIPE_INVALID: 2,
  FACTORY_INVALID: 2,
  VARIABLE_INVALID: 2,
  SECRET_MISSING: 2,
  TEMPLATE_INVALID: 2,
  USAGE: 2,
  MEDIA_MISSING: 2,
  MEDIA_CHECKSUM: 2,
  MEDIA_UNFIT: 2,
  MEDIA_DOWNLOAD: 1,
  INPUT_CHANGED: 1,
  PLAN_OUTDATED: 2,
  IMAGE_UNFIT: 2,
  HOST_UNFIT: 1,
  TOOL_MISSING: 1,
  COMMAND_FAILED: 1,
  COMMAND_TIMEOUT: 1,
  LIMIT_REACHED: 1,
  INSTALL_FAILED: 1,
  INSTALL_STALLED: 1,
  INSTALL_TIMEOUT: 1,
  DISK_FULL: 1,
  VERIFY_FAILED: 1,
  TARGET_FAILED: 1,
  HOOK_FAILED: 1,
  CLOUD_FAILED: 1,
  SIGNATURE_INVALID: 1,
  PROVENANCE_INVALID: 1,
  CHANNEL_REFUSED: 2,
  QUEUE_FAILED: 1,
  INTERRUPTED: 130,
} as const;

export type ErrorCode = keyof typeof errorCatalogue;

/** The process exit status for whatever was thrown: 1 for errors vmkiln does not know. */
export function exitCode(error: unknown): number {
  return error instanceof VmkilnError ? errorCatalogue[error.code] : 1;
}

/** The one-line message of anything thrown; of a failed system call the words alone, without its code and arguments. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code, syscall } = error as NodeJS.ErrnoException;
  const [, words] =
    code !== undefined && syscall !== undefined ? (/^E[A-Z0-9]+: (.*?), \w+/.exec(error.message) ?? []) : [];
  return words ?? error.message;
}

/** What happened, for an error that nobody has put into words: the file that the operating system was asked for is all that tells one from another. */
export function unforeseen(error: unknown): string {
  const path = error instanceof Error ? (error as NodeJS.ErrnoException).path : undefined;
  const said = messageOf(error);
  return path === undefined || said.includes(path) ? said : `${said}: ${path}`;
}

/** Whether a call of the operating system failed for want of space or quota. */
export function isFull(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return code === 'ENOSPC' || code === 'EDQUOT';
}

/** What to throw when `signal` has aborted: its own reason if that is a VmkilnError. `doing` is what was going on. */
export function interrupted(doing: string, signal: AbortSignal): VmkilnError {
  return signal.reason instanceof VmkilnError
    ? signal.reason
    : new VmkilnError('INTERRUPTED', `stopped while ${doing}`, { cause: signal.reason });
}
