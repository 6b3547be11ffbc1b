/** Seconds that a server may ask to be left alone; after that it is asked again all the same. */
const longest = 300;

/**
 * The seconds, at most five minutes, that an answer wants to be left alone, from its header Retry-After: seconds or an
 * HTTP date (RFC 9110, 10.2.3). A date counts from the Date of the same answer, for the clocks here and there may differ.
 */
export function retryAfter(header: string | null | undefined, date: string | null | undefined): number | undefined {
  const text = header?.trim() ?? '';
  if (/^\d+$/.test(text)) return Math.min(Number(text), longest);
  // `Date.parse` takes much that is no date.
  const until = /\d\d:\d\d:\d\d/.test(text) ? Date.parse(text) : NaN;
  const sent = Date.parse(date ?? '');
  const seconds = (until - (Number.isNaN(sent) ? Date.now() : sent)) / 1000;
  return Number.isNaN(seconds) ? undefined : Math.min(Math.max(0, seconds), longest);
}
