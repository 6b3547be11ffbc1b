import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from './image.ts';
import { testHome } from './vmkiln.ts';

/**
 * Boots a clone of a practice Windows until it waits for a person, and returns its console. It runs from the ISO that was made
 * last. `remove` are files of the guest that the clone shall not have.
 */
export async function bootPractice(image: string, clone: string, remove: readonly string[]): Promise<string> {
  await run('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', image, clone]);
  if (remove.length > 0) {
    const commands = remove.flatMap((path) => ['rm', path, ':']).slice(0, -1);
    await run('guestfish', ['-a', clone, '-i', ...commands], 300);
  }
  const serial = `${clone}.console`;
  const qemu = spawn(
    'qemu-system-x86_64',
    [
      ...['-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', '1', '-m', '1024', '-display', 'none', '-nodefaults'],
      ...['-drive', `file=${clone},if=virtio,format=qcow2,cache=unsafe`, '-cdrom', latestIso(), '-boot', 'c'],
      ...['-nic', 'none', '-serial', `file:${serial}`],
    ],
    { stdio: 'ignore' },
  );
  try {
    for (const deadline = Date.now() + 300_000; Date.now() < deadline && qemu.exitCode === null; await sleep(500)) {
      const said = readFileSync(serial, { encoding: 'utf8', flag: 'a+' });
      if (/Windows: |Windows Setup: error/.test(said)) return said;
    }
    return readFileSync(serial, 'utf8');
  } finally {
    qemu.kill('SIGKILL');
  }
}

function latestIso(): string {
  const home = join(testHome, 'cache/practice');
  const isos = readdirSync(home).flatMap((name) =>
    name.startsWith('windows-') ? [join(home, name, 'windows.iso')] : [],
  );
  const [latest] = isos.toSorted((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
  if (latest === undefined) throw new Error(`there are no practice media in ${home}`);
  return latest;
}
