import type { Call } from './exec.ts';

/** Copies a file with cp(1): shared blocks where the filesystem can, holes where there are zeros. */
export function copySparse(from: string, to: string, timeout: number): Call {
  return { program: 'cp', args: ['--reflink=auto', '--sparse=always', '--', from, to], timeout };
}
