export const sizePattern = /^(\d+(?:\.\d+)?) ?([KMGT])(?:iB)?$/;
export const durationPattern = /^(\d+) ?(s|m|h|d)$/;
const cronField = String.raw`[\d*,/A-Za-z-]+`;
/** The five fields of crontab(5), with one space between them. */
export const cronPattern = new RegExp(`^${cronField}( ${cronField}){4}$`);
const powers = { K: 1, M: 2, G: 3, T: 4 };
const unitSeconds = { s: 1, m: 60, h: 3600, d: 86_400 };

/** Bytes of a size such as `8G` or `512MiB`, as qemu-img counts: powers of 1024. Undefined if it is none. */
export function parseSize(text: string): number | undefined {
  const [, number, unit] = sizePattern.exec(text) ?? [];
  if (number === undefined) return undefined;
  return Math.round(Number(number) * 1024 ** powers[unit as keyof typeof powers]);
}

/** Seconds of a duration such as `90s`, `60m`, `2h` or `7d`. Undefined if it is none. */
export function parseDuration(text: string): number | undefined {
  const [, number, unit] = durationPattern.exec(text) ?? [];
  if (number === undefined) return undefined;
  return Number(number) * unitSeconds[unit as keyof typeof unitSeconds];
}
