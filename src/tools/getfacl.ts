import type { Call } from './exec.ts';

/** The access control list of a file or folder, with numbers for names: getfacl(1). */
export function getfacl(path: string): Call {
  return { program: 'getfacl', args: ['--numeric', '--omit-header', '--absolute-names', '--', path], timeout: 10 };
}
