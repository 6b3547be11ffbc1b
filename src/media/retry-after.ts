/**
 * The seconds that an answer wants to be left alone, from its header Retry-After: seconds or an HTTP date (RFC 9110,
 * 10.2.3). A date counts from the Date of the same answer, so that the clocks here and there may differ.
 */
export function retryAfter(header: string | undefined, date: string | undefined): number | undefined {
  const text = header?.trim() ?? '';
  if (/^\d+$/.test(text)) return Number(text);
  // `Date.parse` takes much that is no date.
  const until = /\d\d:\d\d:\d\d/.test(text) ? Date.parse(text) : NaN;
  const sent = date === undefined ? NaN : Date.parse(date);
  const seconds = (until - (Number.isNaN(sent) ? Date.now() : sent)) / 1000;
  return Number.isNaN(seconds) ? undefined : Math.max(0, seconds);
}
