import type { InstallerLog } from '../model.ts';
import type { DomainActivity } from '../tools/virsh.ts';

/** Where an installation stands, from its log lines and the domain's counters. Times are milliseconds of one clock. */
export type Watch = {
  phase: string;
  fraction: number;
  /** Since when the phase lasts, and the seconds that it may. */
  phaseAt: number;
  limit: number | undefined;
  finished: boolean;
  /** What the installer noted that a person should know. */
  remarks: readonly string[];
  /** The line after which the installation cannot succeed, with the lines that followed it. */
  fatal?: { at: number; lines: readonly string[] };
  /** When anything last moved. */
  movedAt: number;
  /** When the guest last printed a line, read or wrote anything: computing does not count. */
  heardAt: number;
  activity?: { at: number; counters: DomainActivity };
};

/** A guest that uses less of one core than this does not compute: it waits. */
const idleCpuShare = 0.05;
/** Bytes between two samples that a waiting guest may still write or receive: journal ticks, router advertisements. */
const idleBytes = 64 * 1024;
/** A fatal line is followed by its explanation; this long is waited for it. */
const fatalGrace = 1500;

export function startWatch(at: number): Watch {
  return {
    phase: 'starting the installer',
    fraction: 0,
    phaseAt: at,
    limit: undefined,
    finished: false,
    remarks: [],
    movedAt: at,
    heardAt: at,
  };
}

/** An installer's log with its patterns compiled. */
type CompiledLog = {
  phases: readonly (Omit<InstallerLog['phases'][number], 'match'> & { match: RegExp })[];
  fatal: readonly RegExp[];
  finished: RegExp | undefined;
  remark: RegExp | undefined;
};

/** Compiles the patterns of a log, once for all of its lines. */
export function compileLog({ phases, fatal, finished, remark }: InstallerLog): CompiledLog {
  return {
    phases: phases.map((phase) => ({ ...phase, match: new RegExp(phase.match) })),
    fatal: fatal.map((pattern) => new RegExp(pattern)),
    finished: finished === undefined ? undefined : new RegExp(finished),
    remark: remark === undefined ? undefined : new RegExp(remark),
  };
}

/** Takes in one line of the installer's log or of the console. Phases only move forward. */
export function seeLine(watch: Watch, line: string, log: CompiledLog, at: number): Watch {
  if (line.trim() === '') return watch;
  const remark = log.remark?.exec(line)?.[1];
  const remarks = remark === undefined || watch.remarks.includes(remark) ? watch.remarks : [...watch.remarks, remark];
  const moved = { ...watch, remarks, movedAt: at, heardAt: at };
  if (watch.fatal) {
    const lines = watch.fatal.lines.includes(line) ? watch.fatal.lines : [...watch.fatal.lines, line].slice(0, 12);
    return { ...moved, fatal: { ...watch.fatal, lines } };
  }
  if (!watch.finished && log.fatal.some((pattern) => pattern.test(line))) {
    return { ...moved, fatal: { at, lines: [line] } };
  }
  if (log.finished?.test(line)) return { ...moved, finished: true, fraction: 1 };
  const phase = log.phases.findLast(({ match, fraction }) => fraction >= watch.fraction && match.test(line));
  if (!phase) return moved;
  const name = phase.phase.replace('$1', () => phase.match.exec(line)?.[1]?.trim() ?? '');
  const phaseAt = name === watch.phase ? watch.phaseAt : at;
  return { ...moved, phase: name, fraction: phase.fraction, phaseAt, limit: phase.limit };
}

/**
 * Takes in the domain's counters. Disk and network alone raise false alarms (a dependency solver touches neither),
 * so a guest that computes counts as moving.
 */
export function seeActivity(watch: Watch, counters: DomainActivity, at: number): Watch {
  const before = watch.activity;
  const activity = { at, counters };
  // Only now does the guest run: before that, another build may have been in the way.
  if (!before) return { ...watch, activity, heardAt: at, movedAt: at };
  const cpuShare = (counters.cpu - before.counters.cpu) / 1e6 / Math.max(1, at - before.at);
  const bytes = counters.written - before.counters.written + counters.received - before.counters.received;
  const moves = cpuShare > idleCpuShare || bytes > idleBytes;
  return { ...watch, activity, movedAt: moves ? at : watch.movedAt, heardAt: bytes > 0 ? at : watch.heardAt };
}

/**
 * What to do now. `stallTimeout`, `timeout` and `bootSilence` are in seconds. `frozen` is a guest whose kernel hangs before
 * the installer began: it may compute for ever.
 */
export function verdict(
  watch: Watch,
  limits: { startedAt: number; stallTimeout: number; timeout: number; bootSilence?: number | undefined },
  now: number,
): 'go on' | 'fatal' | 'frozen' | 'stalled' | 'hung' | 'timeout' {
  if (watch.fatal && now - watch.fatal.at >= fatalGrace) return 'fatal';
  if (now - limits.startedAt >= limits.timeout * 1000) return 'timeout';
  if (watch.limit !== undefined && !watch.finished && now - watch.phaseAt >= watch.limit * 1000) return 'hung';
  const silence = Math.min(limits.bootSilence ?? Infinity, limits.stallTimeout) * 1000;
  const boots = watch.activity !== undefined && watch.fraction === 0;
  if (limits.bootSilence !== undefined && boots && now - watch.heardAt >= silence) return 'frozen';
  if (now - watch.movedAt >= limits.stallTimeout * 1000) return 'stalled';
  return 'go on';
}
