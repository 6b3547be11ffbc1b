/**
 * A kind of log of a build's folder: what the installed machine said (its installer, its console, the logs of Windows
 * Setup), what programs of libguestfs and those that they ran in the guest said, what other programs of the host said, and
 * the message of the failure itself.
 */
export type LogKind = 'installer' | 'guest' | 'host' | 'message';

/** A failure that is known: how a log shows it, what it means, and what helps. Plain data. */
export type KnownFailure = {
  /** Stable, as `tool.what`. */
  id: string;
  title: string;
  /** The logs that may show it; the message of the failure is always looked at. */
  logs: readonly LogKind[];
  /** Any of these, in a text whose lines have lost colours and time stamps. Named groups fill the sentences. */
  match: readonly RegExp[];
  /** One sentence without its full stop. `{name}` is a group, `[…]` goes when a group in it is empty. */
  cause: string;
  /** What to do, in the same way; without one, what the error itself advises. */
  remedy?: string;
  /** Where the words come from: the program's source, or a public report. */
  source: string;
  /** Whether it only tells that something failed, which anything else explains better. */
  isGeneral?: true;
};
