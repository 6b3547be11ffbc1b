import { readFileSync } from 'node:fs';
import { openSource, type ByteSource } from '../../src/images/header.ts';

/** Images that qemu-img 7.2, xorriso, sfdisk and mkfs made: their sizes, and the bytes that are not zero, in base64. */
const captured = JSON.parse(readFileSync('test/fixtures/images.json', 'utf8')) as Record<
  string,
  { size: number; bytes: [offset: number, base64: string][] }
>;

export const capturedNames = Object.keys(captured);

type Patch = readonly [offset: number, bytes: Buffer];

/** What is not zero in a captured image. */
export function capturedRuns(name: string): { size: number; runs: Patch[] } {
  const image = captured[name];
  if (!image) throw new Error(`${name} is not in test/fixtures/images.json`);
  return { size: image.size, runs: image.bytes.map(([offset, base64]) => [offset, Buffer.from(base64, 'base64')]) };
}

/** Zeros, with these bytes written over them one after the other. */
export function sparseSource(size: number, runs: readonly Patch[]): ByteSource {
  return openSource(size, (offset, length) => {
    const bytes = Buffer.alloc(length);
    for (const [at, run] of runs) {
      const from = Math.max(0, offset - at);
      if (from < run.length && at < offset + length) run.copy(bytes, Math.max(0, at - offset), from);
    }
    return bytes;
  });
}

/** A captured image as it was. */
export function capturedSource(name: string): ByteSource {
  const { size, runs } = capturedRuns(name);
  return sparseSource(size, runs);
}

/** All bytes of a captured image. */
export function capturedBytes(name: string): Buffer {
  const { size, runs } = capturedRuns(name);
  const bytes = Buffer.alloc(size);
  for (const [offset, run] of runs) run.copy(bytes, offset);
  return bytes;
}

/** A captured image with some of its bytes replaced: texts in latin1. An offset below 0 counts from the end. */
export function patched(name: string, ...patches: [offset: number, bytes: Buffer | string][]): ByteSource {
  const { size, runs } = capturedRuns(name);
  const written = patches.map(([offset, patch]): Patch => [
    offset < 0 ? size + offset : offset,
    typeof patch === 'string' ? Buffer.from(patch, 'latin1') : patch,
  ]);
  return sparseSource(size, [...runs, ...written]);
}

export const be64 = (value: bigint) => Buffer.from(BigUint64Array.of(value).buffer).swap64();
export const le64 = (value: bigint) => Buffer.from(BigUint64Array.of(value).buffer);
export const be32 = (value: number) => Buffer.from(Uint32Array.of(value).buffer).swap32();
export const le32 = (value: number) => Buffer.from(Uint32Array.of(value).buffer);

/** Remembers what was read of a source: the largest read, and their number. */
export function watched(source: ByteSource): { source: ByteSource; largest: () => number; reads: () => number } {
  let [largest, reads] = [0, 0];
  const watching = openSource(source.size, (offset, length) => {
    largest = Math.max(largest, length);
    reads += 1;
    return source.read(offset, length);
  });
  return { source: watching, largest: () => largest, reads: () => reads };
}
