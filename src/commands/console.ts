import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { VmkilnError } from '../errors.ts';
import { findKept, guestState } from '../pipeline/kept.ts';
import { follow } from '../stages/follow.ts';
import { exec } from '../tools/exec.ts';
import { askDisplay } from '../tools/virsh.ts';
import { harmless } from '../text.ts';
import type { CommandContext } from '../ui/ui.ts';

/** Milliseconds between two looks at the console. */
const interval = 500;
/** Looks at the console between two questions whether the guest still runs. */
const looks = 6;

/**
 * `vmkiln console`: prints the serial console of a guest that a failed build was told to keep, or of one that is being installed, and
 * goes on until it has ended. Says how to see its screen.
 *
 * @throws VmkilnError USAGE when there is no guest, COMMAND_FAILED, INTERRUPTED.
 */
export async function console(word: string | undefined, { signal, say, world }: CommandContext): Promise<void> {
  const kept = await findKept(word, ['kept', 'running'], world);
  const { build, connect = '', domain, work } = kept;
  const state = await guestState(kept, signal);
  if (state === undefined) {
    const hint =
      build.outcome === 'kept' ? `\`vmkiln shell ${build.build}\` opens its disk` : 'only its installation has one';
    throw new VmkilnError('USAGE', `${build.build} has no guest`, { hint });
  }
  const file = join(work, 'console.log');
  if (
    !(await access(file, constants.R_OK).then(
      () => true,
      () => false,
    ))
  )
    say(`${file} cannot be read: libvirt keeps it for root`);
  const { stdout: display } = await exec({ ...askDisplay(connect, domain), signal });
  say(
    `the guest is ${state}; its screen${display.trim() === '' ? '' : ` (${display.trim()})`}: virt-viewer --connect ${connect} ${domain}`,
  );
  await print(file, async () => !/^(running|paused)/.test((await guestState(kept, signal)) ?? ''), signal);
  say('the guest has ended');
}

/** Prints a file as it grows, a line without an end too, until `isOver` says that there is nothing more to come. */
async function print(file: string, isOver: () => Promise<boolean>, signal: AbortSignal): Promise<void> {
  const read = follow(file);
  let open = '';
  const write = (text: string) => process.stdout.write(harmless(text));
  for (let look = 0; ; look += 1) {
    const over = look % looks === 0 && (await isOver());
    for (const line of await read()) {
      write(`${line.startsWith(open) ? line.slice(open.length) : `\n${line}`}\n`);
      open = '';
    }
    const rest = read.rest();
    if (rest !== open && rest.startsWith(open)) {
      write(rest.slice(open.length));
      open = rest;
    }
    if (over) break;
    await sleep(interval, undefined, { signal }).catch(() => undefined);
    signal.throwIfAborted();
  }
  if (open !== '') write('\n');
}
