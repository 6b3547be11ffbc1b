import { type Document, isAlias, isMap, isNode, isPair, isScalar, isSeq, type Node, type Pair } from 'yaml';

/** The node at a path, through aliases and merge keys. */
export function nodeAt(document: Document, path: readonly PropertyKey[]): Node | undefined {
  let node: unknown = document.contents;
  for (const part of path) {
    const found: unknown = resolved(node, document);
    if (isMap(found)) node = pairOf(found.items, String(part), document)?.value;
    else node = isSeq(found) ? found.items[Number(part)] : undefined;
  }
  return isNode(node) ? node : undefined;
}

/** What is written at a path: an alias stands for its anchor. */
export function writtenAt(document: Document, path: readonly PropertyKey[]): Node | undefined {
  const node = resolved(nodeAt(document, path), document);
  return isNode(node) ? node : undefined;
}

/** Where the value at a path begins; for one that is missing, where the map begins that should have it. */
export function valueOffset(document: Document, path: readonly PropertyKey[]): number {
  for (let length = path.length; length >= 0; length--) {
    const node = nodeAt(document, path.slice(0, length));
    if (node?.range) return node.range[0];
  }
  return 0;
}

/** Where a key of the map at a path is written. */
export function keyOffset(document: Document, path: readonly PropertyKey[], key: string): number {
  const map = writtenAt(document, path);
  const pair = isMap(map) ? pairOf(map.items, key, document) : undefined;
  return isNode(pair?.key) && pair.key.range ? pair.key.range[0] : valueOffset(document, path);
}

/** The text of a scalar as the file has it, without quotes; undefined for anything else. */
export function sourceAt(document: Document, path: readonly PropertyKey[]): string | undefined {
  const node = writtenAt(document, path);
  return isScalar(node) && node.value !== null ? (node.source ?? String(node.value)) : undefined;
}

/** A key of a map, or else of a map that is merged into it. */
function pairOf(items: readonly Pair[], key: string, document: Document): Pair | undefined {
  const own = items.find((pair) => isPair(pair) && String(isScalar(pair.key) ? pair.key.value : pair.key) === key);
  if (own) return own;
  for (const { key: name, value } of items) {
    if (!isScalar(name) || (String(name.value) !== '<<' && typeof name.value !== 'symbol')) continue;
    const merged: unknown = resolved(value, document);
    for (const each of isSeq(merged) ? merged.items : [merged]) {
      const map = resolved(each, document);
      const found = isMap(map) ? pairOf(map.items, key, document) : undefined;
      if (found) return found;
    }
  }
  return undefined;
}

function resolved(node: unknown, document: Document): unknown {
  return isAlias(node) ? node.resolve(document) : node;
}
