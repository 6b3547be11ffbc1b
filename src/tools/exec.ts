import { createWriteStream, type WriteStream } from 'node:fs';
import { interrupted, VmkilnError } from '../errors.ts';
import type { Env } from '../model.ts';
import { formatDuration } from '../text.ts';
import { confine, type Confinement } from './confine.ts';

/** How to run one program. Never a shell string: `args` reach the program as they are. */
export type ExecOptions = {
  program: string;
  args: readonly string[];
  /** Seconds until the process group is killed. */
  timeout: number;
  signal: AbortSignal;
  env?: Env;
  cwd?: string;
  /** Text for the program's standard input, which is empty otherwise. */
  input?: string;
  /** A file that is open in this process, which the program has as its standard input. */
  descriptor?: number;
  /** File that receives everything the program prints, as it prints it. */
  log?: string;
  /** Called with each complete line of either stream, without its end. */
  onLine?: (line: string) => void;
  /** Values that must not reach the log, the lines or the result: replaced by `***`. */
  redact?: readonly string[];
  /** Exit codes besides 0 that are an answer and not a failure. */
  accept?: readonly number[];
  /** Seconds that it has to end after SIGTERM, before it is killed: 2 unless said otherwise. */
  grace?: number;
  /** Runs it within these limits, and no longer than this process. */
  confined?: Confinement;
};

/** A program with its words, and the seconds it gets: what a driver makes and `exec` runs. */
export type Call = Pick<ExecOptions, 'program' | 'args' | 'timeout' | 'env' | 'accept' | 'confined' | 'cwd' | 'input'>;

/** What a program left. `stdout` keeps its first 64 MiB, `stderr` its last 16 KiB; `seconds` is wall time. */
export type ExecResult = { stdout: string; stderr: string; exitCode: number; seconds: number };

const stdoutLimit = 64 * 1024 * 1024;
const tailLimit = 16 * 1024;
/** Characters after which a line is passed on that has not ended, but for the last, in which a secret may lie. */
const [longestLine, longestSecret] = [1024 ** 2, 16 * 1024];
/** A group that ignores SIGTERM is killed after this many seconds. */
const killGrace = 2;

const liveGroups = new Set<number>();

/** Kills every process group started by `exec` that still lives. For the last moments of the process: synchronous. */
export function killLiveGroups(): void {
  for (const pid of liveGroups) killGroup(pid, 'SIGKILL');
}

/**
 * Runs a program in a process group of its own and waits for it.
 *
 * The group matters: libguestfs tools and virt-install start children, and only a signal to the group reaches them
 * all at once. Being detached also keeps a terminal's Ctrl-C from reaching the tools before vmkiln has decided.
 *
 * @throws VmkilnError TOOL_MISSING, COMMAND_TIMEOUT, COMMAND_FAILED, DISK_FULL or INTERRUPTED.
 */
export async function exec(options: ExecOptions): Promise<ExecResult> {
  const { program, args, signal } = options;
  // Only now: commands that start no program need not wait for it.
  const { execa } = await import('#execa');
  if (signal.aborted) throw interrupted(`running ${program}`, signal);
  const started = performance.now();
  const [file, ...words] = options.confined ? confine(program, args, options.confined) : [program, ...args];
  const subprocess = execa(file, words, {
    detached: true,
    cleanup: false,
    buffer: false,
    reject: false,
    // Its types know no descriptor of a file.
    ...(options.input === undefined
      ? { stdin: (options.descriptor as 0 | undefined) ?? 'ignore' }
      : { input: options.input }),
    encoding: 'buffer',
    env: { LC_ALL: 'C.UTF-8', ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  const pid = subprocess.pid;
  if (pid !== undefined) liveGroups.add(pid);
  let end: 'timeout' | 'abort' | undefined;
  const stop = (why: 'timeout' | 'abort') => {
    end ??= why;
    if (pid === undefined) return;
    killGroup(pid, 'SIGTERM');
    setTimeout(() => killGroup(pid, 'SIGKILL'), (options.grace ?? killGrace) * 1000).unref();
  };
  const onAbort = () => stop('abort');
  signal.addEventListener('abort', onAbort, { once: true });
  const timer = setTimeout(() => stop('timeout'), options.timeout * 1000);
  const log = options.log === undefined ? undefined : createWriteStream(options.log, { flags: 'a', mode: 0o600 });
  // A log that cannot be written (a full disk) must not end a program that works: its result counts.
  log?.on('error', () => undefined);
  const logClosed = log && new Promise<void>((resolve) => log.once('close', resolve));
  const stdout = collector(options, log, 'head');
  const stderr = collector(options, log, 'tail');
  subprocess.stdout.on('data', stdout.write);
  subprocess.stderr.on('data', stderr.write);
  try {
    const result = await subprocess;
    const seconds = (performance.now() - started) / 1000;
    stdout.end();
    stderr.end();
    if (end === 'abort') throw interrupted(`running ${program}`, signal);
    if (end === 'timeout') throw timedOut(options, stderr.text());
    if (result.code === 'ENOENT' || result.code === 'EACCES') throw missing(file, result);
    if (options.confined && (result.exitCode === 127 || result.exitCode === 126)) throw missing(program, result);
    if (result.signal === 'SIGXCPU') throw tooSlow(options);
    if (pid === undefined) throw notStarted(program, result);
    const exitCode = result.exitCode;
    if (exitCode !== 0 && !(exitCode !== undefined && options.accept?.includes(exitCode))) {
      throw failed(options, exitCode, result.signal, stderr.text() || stdout.text().slice(-tailLimit));
    }
    return { stdout: stdout.text(), stderr: stderr.text(), exitCode: exitCode ?? 0, seconds };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
    if (pid !== undefined) {
      // What the program left behind in its group goes with it.
      killGroup(pid, 'SIGKILL');
      liveGroups.delete(pid);
    }
    log?.end();
    await logClosed;
  }
}

/**
 * Runs a program that a person at the terminal talks to, on this process's own streams and in its process group, until it ends
 * or `signal` aborts. It has no time limit.
 *
 * @returns its exit status, 1 when a signal ended it.
 * @throws VmkilnError TOOL_MISSING, INTERRUPTED.
 */
export async function execAtTerminal(
  { program, args, env }: Pick<ExecOptions, 'program' | 'args' | 'env'>,
  signal: AbortSignal,
): Promise<number> {
  const { execa } = await import('#execa');
  const options = { stdio: 'inherit', reject: false, cancelSignal: signal, ...(env && { env }) } as const;
  const result = await execa(program, args, options);
  if (signal.aborted) throw interrupted(`running ${program}`, signal);
  if (result.code === 'ENOENT' || result.code === 'EACCES') throw missing(program, result);
  return result.exitCode ?? 1;
}

function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // The group has ended by itself.
  }
}

/** Gathers one stream: whole lines to `onLine`, everything redacted to the log, and a bounded part kept as text. */
function collector(options: ExecOptions, log: WriteStream | undefined, keep: 'head' | 'tail') {
  const decoder = new TextDecoder();
  // Of a line that has not ended yet, in pieces: to look through it anew for each takes for ever.
  let pending: string[] = [];
  let size = 0;
  let kept = '';
  const take = (text: string) => {
    const clean = redact(text, options.redact ?? []);
    log?.write(clean);
    if (keep === 'tail') kept = (kept + clean).slice(-tailLimit);
    else if (kept.length < stdoutLimit) kept += clean;
    if (options.onLine) for (const line of clean.split(/\r?\n|\r/)) if (line !== '') options.onLine(line);
  };
  return {
    write: (chunk: Uint8Array) => {
      const text = decoder.decode(chunk, { stream: true });
      // Only whole lines are passed on: a secret split over two chunks must still be found.
      const cut = Math.max(text.lastIndexOf('\n'), text.lastIndexOf('\r')) + 1;
      if (cut > 0) {
        take([...pending, text.slice(0, cut)].join(''));
        pending = [];
        size = 0;
      }
      const rest = text.slice(cut);
      pending.push(rest);
      size += rest.length;
      if (size < longestLine) return;
      // A secret may have begun, and not ended yet.
      const all = redact(pending.join(''), options.redact ?? []);
      take(all.slice(0, -longestSecret));
      pending = [all.slice(-longestSecret)];
      size = longestSecret;
    },
    end: () => {
      if (size > 0) take(pending.join(''));
      pending = [];
      size = 0;
    },
    text: () => kept,
  };
}

/** Replaces every secret in a text by `***`. Values shorter than four characters would hide ordinary words. */
export function redact(text: string, secrets: readonly string[]): string {
  return secrets.reduce((rest, secret) => (secret.length < 4 ? rest : rest.replaceAll(secret, '***')), text);
}

function timedOut(options: ExecOptions, tail: string): VmkilnError {
  return new VmkilnError(
    'COMMAND_TIMEOUT',
    `${options.program} did not end within ${formatDuration(options.timeout)}`,
    {
      hint: hintWithLog(options, tail),
    },
  );
}

function tooSlow({ program, confined }: ExecOptions): VmkilnError {
  const limit = formatDuration(confined?.processorTime ?? 0);
  return new VmkilnError('COMMAND_TIMEOUT', `${program} took more than ${limit} of processor time`, {
    hint: 'what it works on is not what it seems: an image can be made to take for ever',
  });
}

function missing(program: string, cause: unknown): VmkilnError {
  return new VmkilnError('TOOL_MISSING', `${program} is not installed or not executable`, {
    hint: '`vmkiln doctor` names the package to install',
    cause,
  });
}

function notStarted(
  program: string,
  cause: { code?: string | undefined; originalMessage?: string | undefined },
): VmkilnError {
  const hint =
    cause.code === 'E2BIG' ? 'one of its arguments is too long (Linux takes 128 KiB): use a file' : undefined;
  return new VmkilnError('COMMAND_FAILED', `${program} could not be started: ${cause.originalMessage ?? cause.code}`, {
    ...(hint && { hint }),
    cause,
  });
}

function failed(options: ExecOptions, code: number | undefined, signal: string | undefined, tail: string): VmkilnError {
  const how = code === undefined ? `was killed by ${signal ?? 'a signal'}` : `exited with status ${code}`;
  const said = lastWords(tail);
  const full = /No space left on device|Disk quota exceeded|ENOSPC/.test(tail);
  const message = `${options.program} ${how}${said === '' ? '' : `: ${said}`}`;
  const error = full
    ? new VmkilnError('DISK_FULL', message, { hint: 'free some space, or move the state with VMKILN_HOME' })
    : new VmkilnError('COMMAND_FAILED', message, { hint: hintWithLog(options, '') });
  error.exitCode = code;
  return error;
}

/**
 * The last lines that say something. The guestfs tools end every failure with the same advice to turn on debugging, and one of
 * their inspection (`guestfish -i`) with what else each of them could do.
 */
export function lastWords(tail: string): string {
  const lines = (tail.split(/^If using guestfish /m)[0] ?? '')
    .split('\n')
    .filter((line) => line.trim() !== '' && !/^If reporting bugs|^\s+virt-\S+ -v -x /.test(line));
  return lines.slice(-6).join('\n');
}

function hintWithLog(options: ExecOptions, tail: string): string {
  const last = tail.trim().split('\n').at(-1);
  const where = options.log === undefined ? '' : `the whole output is in ${options.log}`;
  return [last && `its last line of output: ${last}`, where].filter(Boolean).join('; ') || 'run it by hand to see more';
}
