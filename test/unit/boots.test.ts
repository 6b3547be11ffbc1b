import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { anyLinux } from '../../src/families/linux/expect.ts';
import type { Call } from '../../src/tools/exec.ts';
import type { CloneWorld } from '../../src/verify/clone.ts';
import { verifyImage } from '../../src/verify/verify.ts';
import { host } from '../support/plan-input.ts';
import { plainOptions } from '../support/verify.ts';
import { freshFolder } from '../support/vmkiln.ts';

/** The results of an image of which nothing is wrong before it boots, and whose clones say this on their consoles until they are ended. */
async function verdictOf(console: string) {
  const folder = freshFolder('boots');
  const said = { stdout: '', stderr: '', exitCode: 0 };
  const run = async ({ program, args = [] }: Call, signal?: AbortSignal) => {
    if (program === 'ssh-keygen')
      writeFileSync(`${args.at(args.indexOf('-f') + 1)}.pub`, 'ssh-ed25519 AAAA instance\n');
    if (!/qemu-(system|kvm)/.test(program)) return said;
    const [, serial = ''] =
      args.map((word) => /^file:(.*console\.log)$/.exec(String(word))).find((found) => found) ?? [];
    writeFileSync(serial, console);
    return new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(new Error('ended'))));
  };
  const image = { path: join(folder, 'image'), format: 'qcow2', virtualSize: 1, firmware: 'bios' } as const;
  const look = (_overlay: string, asked: readonly unknown[]) => {
    const [mark] = /[0-9a-f]{8}-[0-9a-f-]{27}/.exec(JSON.stringify(asked)) ?? [];
    const config = 'system_info: { default_user: { name: cloud-user } }';
    const space = 'bsize: 4096\nfrsize: 4096\nblocks: 900000\nbavail: 900000\nfiles: 0';
    return Promise.resolve({ stdout: `${mark} config\n${config}\n${mark} space\n${space}\n${mark} end`, stderr: '' });
  };
  const world = { run, host, signal: new AbortController().signal, folder } as unknown as CloneWorld;
  return verifyImage(image, anyLinux, world, { ...plainOptions, look });
}

test.each([
  [
    '[FAILED] Failed to mount /srv.\n[DEPEND] Dependency failed for Local File Systems.\nYou are in emergency mode.',
    'fstab',
  ],
  ['Kernel panic - not syncing: VFS: Unable to mount root fs', 'system'],
])('a boot that says %j fails %s and the login, and nobody waits for more', async (console, check) => {
  const { passed, results } = await verdictOf(console);
  expect(passed).toBe(false);
  expect(results.filter(({ outcome }) => outcome === 'failed').map((each) => each.check)).toEqual([check, 'login']);
  expect(results.filter(({ outcome }) => outcome === 'skipped').map((each) => each.check)).toEqual(['console']);
});
