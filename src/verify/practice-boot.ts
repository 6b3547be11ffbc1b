import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../errors.ts';
import { runPractice } from '../tools/qemu-clone.ts';
import { coverImage, imageOptions } from '../tools/qemu-img.ts';
import { qemuNames } from '../tools/qemu-system.ts';
import { wait } from '../wait.ts';
import { type ClonedImage, type CloneWorld, ownFirmware } from './clone.ts';
import { type CheckResult, resultOf, type WindowsExpectation } from './expectation.ts';

/** Seconds until a practice Windows waits for somebody, at most. */
const patience = { kvm: 300, tcg: 1800 } as const;

/** The file of `folder` in which a practice Windows says what it does. */
export const practiceConsole = 'first-boot.log';

/**
 * Boots a clone of a rehearsed Windows, which runs from the practice DVD, as an instance boots for the first time, and waits until it
 * waits for somebody. It must not ask, nor run anything of the build for whoever logs on.
 */
export async function bootPractice(
  image: ClonedImage,
  dvd: string,
  { diskBus }: WindowsExpectation,
  { run, host, signal, folder }: CloneWorld,
): Promise<CheckResult> {
  const file = (name: string) => join(folder, name);
  const [backing, disk, console] = [file('first-image'), file('first.qcow2'), file(practiceConsole)];
  await symlink(image.path, backing);
  await run(coverImage(imageOptions(backing, image.format), image.format, disk));
  const firmware = image.firmware === 'uefi' ? await ownFirmware(file('first-variables.fd')) : undefined;
  const [usual, other] = qemuNames;
  const power = new AbortController();
  const end: { why?: string } = {};
  const machine = { disk, console, dvd, diskBus, firmware, memory: 1024 ** 3, uuid: randomUUID() };
  const seconds = patience[host.accelerator];
  const call = runPractice(existsSync(other) ? other : usual, machine, host, seconds);
  const running = run(call, AbortSignal.any([signal, power.signal]))
    .then(() => 'it powered itself off', messageOf)
    .then((why) => void (end.why = why));
  try {
    for (;;) {
      const said = await readFile(console, 'utf8').catch(() => '');
      if (stop.test(said)) return resultOf('first-boot', faultIn(said));
      if (end.why !== undefined) return resultOf('first-boot', `the clone ended before it waited: ${end.why}`);
      await wait(1000, 'booting a clone', signal);
    }
  } finally {
    power.abort();
    await running;
  }
}

/** What a practice Windows says when nothing follows. */
const stop = /^(Windows|Windows Setup: error): (.*)\r?\n/m;

/** What is wrong with a first boot that said this; undefined when it came to the logon and left nothing to run. */
export function faultIn(said: string): string | undefined {
  const runs = /^practice Windows: whoever logs on runs (.*)$/m.exec(said)?.[1];
  const [line, , screen = ''] = stop.exec(said) ?? [];
  if (!screen.startsWith('Press Ctrl+Alt+Delete')) return `the first boot of an instance ends at: ${line?.trim()}`;
  return runs === undefined ? undefined : `whoever logs on to an instance runs ${runs.trim()}`;
}
