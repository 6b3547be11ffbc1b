import { stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { withLock } from '../store/lock.ts';
import type { ExecResult } from '../tools/exec.ts';
import type { StageContext } from './stage.ts';

/** Milliseconds between two looks whether the domain is there. */
const interval = 100;

/**
 * Runs virt-install so that no other vmkiln starts one of its own before its domain runs. While it starts, it makes libvirt
 * storage pools of the folders of the disk and the ISO, under names that it has found free: of two that do so for the same
 * folder at the same time, one fails with "pool already exists".
 */
export async function startAlone(
  connect: string,
  { signal, work }: Pick<StageContext, 'signal' | 'work'>,
  run: () => Promise<ExecResult>,
): Promise<ExecResult> {
  // Every user and every VMKILN_HOME speaks to the same libvirt: the lock belongs to none of them.
  const started = await withLock('/', `virt-install ${connect}`, { signal }, async () => {
    const ended = new AbortController();
    const running = run().finally(() => ended.abort());
    running.catch(() => undefined);
    // libvirt makes the file for the console when it starts the domain.
    const starts = () => stat(work('console.log')).then(Boolean, () => false);
    while (!ended.signal.aborted && !(await starts())) await sleep(interval);
    return { running };
  });
  return started.running;
}
