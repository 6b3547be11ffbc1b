/** What a program may take: bytes of address space, seconds of processor time. Without a number there is no limit. */
export type Confinement = { addressSpace?: number; processorTime?: number };

/**
 * The first words are the process that must live, KiB of address space, and seconds. A program whose parent ended before
 * it asked for the signal has another parent by now. A limit that the user has set lower cannot be raised, and need not be.
 */
const script = `[ "$PPID" = "$1" ] || exit
[ -z "$2" ] || ulimit -v "$2" 2>/dev/null
[ -z "$3" ] || ulimit -S -t "$3" 2>/dev/null
shift 3
exec "$@"`;

/**
 * The words that run a program within limits, so that it is killed when this process ends, even by SIGKILL (setpriv(1),
 * prctl(2): PR_SET_PDEATHSIG goes by the thread that starts a program, which in Node.js is the main one). Its own
 * children are not killed. The shell's script is always the same; what runs are its arguments.
 */
export function confine(program: string, args: readonly string[], limits: Confinement): [string, ...string[]] {
  const { addressSpace, processorTime } = limits;
  const numbers = [
    process.pid,
    addressSpace && Math.ceil(addressSpace / 1024),
    processorTime && Math.ceil(processorTime),
  ];
  const words = numbers.map((number) => (number === undefined ? '' : String(number)));
  return ['setpriv', '--pdeathsig', 'KILL', 'sh', '-c', script, 'sh', ...words, program, ...args];
}
