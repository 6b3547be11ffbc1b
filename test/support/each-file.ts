import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/*
 * Runs before each file of tests. Temporary files lie in folders of the file's own, which go when it ends, and so do its
 * changes of the environment. Files may share a process and its modules, and nothing else.
 */
const before = { ...process.env };
const temporary = mkdtempSync(join(tmpdir(), 'vmkiln-tmp-'));
const reachable = mkdtempSync(join(before['VMKILN_TEST_FOLDER'] ?? '/var/tmp', 'vmkiln-test-'));
// QEMU's user has to get into both, and other users of a program into the first as into /tmp.
chmodSync(temporary, 0o1777);
chmodSync(reachable, 0o711);
process.env['TMPDIR'] = temporary;
process.env['VMKILN_TEST_FOLDER'] = reachable;
// The appliance would follow TMPDIR, and be made anew for each file.
process.env['LIBGUESTFS_CACHEDIR'] ??= '/var/tmp';

afterAll(() => {
  for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
  Object.assign(process.env, before);
  for (const folder of [temporary, reachable]) rmSync(folder, { recursive: true, maxRetries: 5 });
});
