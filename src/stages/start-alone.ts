import { stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { VmkilnError } from '../errors.ts';
import { withLock } from '../store/lock.ts';
import { formatDuration } from '../text.ts';
import type { ExecResult } from '../tools/exec.ts';
import type { StageContext } from './stage.ts';

/** Milliseconds between two looks whether the domain is there. */
const interval = 100;

/**
 * Seconds from the start of virt-install to that of its guest, while others wait: it takes some on an idle host, and took eight minutes on
 * two cores with a load of twenty.
 */
export const startLimit = 1200;

/**
 * Runs virt-install so that no other vmkiln starts one of its own before its domain runs, and returns then: `running` is its end.
 * While it starts, it makes libvirt storage pools of the folders of the disk and the ISO, under names that it has found free: of two
 * that do so for the same folder at the same time, one fails with "pool already exists".
 *
 * @param run starts it, and stops it when the signal aborts.
 * @param limit seconds that its guest may take to start.
 * @throws VmkilnError COMMAND_TIMEOUT when the guest does not start, INTERRUPTED while it waits for another.
 */
export async function startAlone(
  connect: string,
  { signal, work, emit, build }: Pick<StageContext, 'signal' | 'work' | 'emit' | 'build'>,
  run: (stop: AbortSignal) => Promise<ExecResult>,
  limit = startLimit,
): Promise<{ running: Promise<ExecResult> }> {
  const tell = (who: string) =>
    emit({ type: 'progress', stage: 'install', message: `waiting until ${who} has started its guest` });
  const options = {
    signal,
    holder: build,
    waiting: () => tell('another build'),
    heldBy: (other: string) => tell(`the build ${other}`),
  };
  // Every user and every VMKILN_HOME speaks to the same libvirt: the lock belongs to none of them.
  return withLock('/', `virt-install ${connect}`, options, async () => {
    const ended = new AbortController();
    const stop = new AbortController();
    const latest = performance.now() + limit * 1000;
    const running = run(stop.signal).finally(() => ended.abort());
    running.catch(() => undefined);
    // libvirt makes the file for the console when it starts the domain.
    const starts = () => stat(work('console.log')).then(Boolean, () => false);
    while (!ended.signal.aborted && !(await starts())) {
      if (performance.now() > latest) {
        stop.abort();
        await running.catch(() => undefined);
        throw notStarted(connect, limit);
      }
      await sleep(interval);
    }
    return { running };
  });
}

function notStarted(connect: string, limit: number): VmkilnError {
  return new VmkilnError('COMMAND_TIMEOUT', `virt-install did not start the guest within ${formatDuration(limit)}`, {
    hint: `libvirt may hang: \`virsh --connect ${connect} list\` should answer at once`,
  });
}
