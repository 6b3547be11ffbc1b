/**
 * The order of two versions, or of two releases, by rpm's rules (rpmvercmp in rpm's rpmio/rpmvercmp.c): runs of digits by their value, of letters by
 * the alphabet, digits before letters, `~` before everything and even the end, `^` after the end and before all else.
 */
export function rpmVersionOrder(one: string, other: string): number {
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
  return numberOrder(x, y);
}

/** The order of dpkg: `[epoch:]upstream[-revision]`, by deb-version(7), "Sorting algorithm". */
export function debVersionOrder(one: string, other: string): number {
  const [a, b] = [debParts(one), debParts(other)];
  return a.epoch - b.epoch || debTextOrder(a.upstream, b.upstream) || debTextOrder(a.revision, b.revision);
}

function debParts(version: string): { epoch: number; upstream: string; revision: string } {
  const [, epoch = '0', rest = ''] = /^(?:(\d+):)?(.*)$/s.exec(version) ?? [];
  const dash = rest.lastIndexOf('-');
  const [upstream, revision] = dash === -1 ? [rest, ''] : [rest.slice(0, dash), rest.slice(dash + 1)];
  return { epoch: Number(epoch), upstream, revision };
}

/** Pieces without digits and numbers take turns. Of the former `~` comes before the end, the end before letters, and these before all else. */
function debTextOrder(one: string, other: string): number {
  const pieces = (text: string) => [...(/^\d/.test(text) ? [''] : []), ...(text.match(/\d+|\D+/g) ?? [])];
  const [a, b] = [pieces(one), pieces(other)];
  for (let index = 0; index < Math.max(a.length, b.length); index += 1) {
    const [x, y] = [a[index] ?? '', b[index] ?? ''];
    const order = index % 2 === 0 ? debWordOrder(x, y) : numberOrder(x, y);
    if (order !== 0) return order;
  }
  return 0;
}

function debWordOrder(x: string, y: string): number {
  const rank = (character: string | undefined) => {
    if (character === '~') return -1;
    if (character === undefined) return 0;
    return (/[A-Za-z]/.test(character) ? 0 : 256) + (character.codePointAt(0) ?? 0);
  };
  for (let at = 0; at < Math.max(x.length, y.length); at += 1) {
    const order = rank(x[at]) - rank(y[at]);
    if (order !== 0) return order;
  }
  return 0;
}

function numberOrder(x: string, y: string): number {
  const difference = BigInt(x || '0') - BigInt(y || '0');
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}
