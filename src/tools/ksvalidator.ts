import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { VmkilnError } from '../errors.ts';
import { exec } from './exec.ts';
import { withTemporary } from './temporary.ts';

/** ksvalidator(1) of pykickstart for the kickstart syntax of a release: RHEL7. The file is its last argument. */
export function ksvalidator(version: string): Pick<Validated, 'program' | 'args'> {
  return { program: 'ksvalidator', args: ['-v', version] };
}

/** An answer file for a program that knows its syntax. */
export type Validated = { file: string; program: string; args: readonly string[]; text: string };

/** ksvalidator(1) exits with the number of errors it found (pykickstart, tools/ksvalidator.py). */
const anyStatus = Array.from({ length: 255 }, (_, index) => index + 1);

/** What it says of a release that is newer than it is. */
const unknownRelease = /^The version \S+ is not supported by pykickstart$/;

/**
 * What a program such as ksvalidator(1) finds wrong with an answer file, one line each, under the file's own name. Nothing
 * when the program is not installed, or is older than the release: it is one more pair of eyes, and no requirement.
 */
export async function validateAnswers(
  { file, program, args, text }: Validated,
  signal: AbortSignal,
): Promise<string[]> {
  return withTemporary('vmkiln-validate-', async (folder) => {
    const path = join(folder, file);
    await writeFile(path, text);
    const { exitCode, stdout, stderr } = await exec({
      program,
      args: [...args, path],
      timeout: 60,
      signal,
      accept: anyStatus,
    });
    if (exitCode === 0) return [];
    const lines = `${stdout}\n${stderr}`.replaceAll(path, file).split('\n');
    const said = lines.map((line) => line.trim()).filter((line) => line !== '');
    if (said.some((line) => unknownRelease.test(line))) return [];
    return said.map((line) => `${program}: ${line}`);
  }).catch((error: unknown) => {
    if (error instanceof VmkilnError && error.code === 'TOOL_MISSING') return [];
    throw error;
  });
}
