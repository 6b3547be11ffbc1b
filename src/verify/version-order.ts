/**
 * The order of two versions by rpm's rules (rpmvercmp in rpm's rpmio/rpmvercmp.c): runs of digits by their value, of letters by
 * the alphabet, digits before letters, `~` before everything and even the end, `^` after the end and before all else.
 */
export function versionOrder(one: string, other: string): number {
  const pieces = (version: string) => version.match(/\d+|[A-Za-z]+|[~^]/g) ?? [];
  const [a, b] = [pieces(one), pieces(other)];
  for (let index = 0; ; index += 1) {
    const [x, y] = [a[index], b[index]];
    if (x === undefined && y === undefined) return 0;
    if (x === '~' || y === '~') {
      if (x !== y) return x === '~' ? -1 : 1;
      continue;
    }
    if (x === '^' || y === '^') {
      if (x === y) continue;
      if (x === undefined || y === undefined) return x === undefined ? -1 : 1;
      return x === '^' ? -1 : 1;
    }
    if (x === undefined || y === undefined) return x === undefined ? -1 : 1;
    const order = pieceOrder(x, y);
    if (order !== 0) return order;
  }
}

function pieceOrder(x: string, y: string): number {
  const [number, otherNumber] = [/^\d/.test(x), /^\d/.test(y)];
  // A number is newer than letters.
  if (number !== otherNumber) return number ? 1 : -1;
  if (!number) return x < y ? -1 : x > y ? 1 : 0;
  const difference = BigInt(x) - BigInt(y);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}
