import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A Windows of wine's own, with nothing of other tests in it. */
export type Wine = {
  /** Drive C. */
  c: string;
  /** Makes a folder the root of another drive. */
  drive: (letter: string, folder: string) => void;
  /** Runs a command line by wine's cmd. `env` may have variables for it. */
  cmd: (line: string, env?: Record<string, string>) => Promise<{ status: number; output: string }>;
  end: () => Promise<void>;
};

/** wine's own choices of Windows; without a display, Mono and Gecko. */
export async function startWine(): Promise<Wine> {
  const prefix = mkdtempSync(join(tmpdir(), 'wine-'));
  const { DISPLAY: _, ...rest } = process.env;
  const own = { ...rest, WINEPREFIX: prefix, WINEDEBUG: '-all', WINEDLLOVERRIDES: 'mscoree,mshtml=' };
  // What wine leaves running keeps the streams that it was given: so they are files, and the end is that of the program itself.
  const log = join(prefix, 'output.txt');
  const run = async (program: string, args: string[], env: Record<string, string> = {}) => {
    const output = openSync(log, 'w');
    const child = spawn(program, args, { env: { ...own, ...env }, stdio: ['ignore', output, 'ignore'] });
    closeSync(output);
    const [status] = (await once(child, 'exit', { signal: AbortSignal.timeout(50_000) })) as [number | null];
    return { status: status ?? -1, output: readFileSync(log, 'utf8').replaceAll('\r\n', '\n') };
  };
  // Its services would start anew with each program.
  await run('wineserver', ['-p']);
  await run('wine', ['cmd', '/d', '/c', 'ver']);
  return {
    c: join(prefix, 'drive_c'),
    drive: (letter, folder) => {
      const link = join(prefix, 'dosdevices', `${letter}:`);
      if (existsSync(link)) rmSync(link);
      mkdirSync(folder, { recursive: true });
      symlinkSync(folder, link);
    },
    cmd: (line, env) => run('wine', ['cmd', '/d', '/c', line], env),
    end: async () => {
      await run('wineserver', ['-k']);
    },
  };
}
