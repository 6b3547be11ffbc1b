import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeDeadSockets } from '../store/leftovers.ts';
import { exec, type ExecOptions, type ExecResult } from '../tools/exec.ts';

/**
 * Where libguestfs keeps its appliance (some 370 MB) between launches. Left to itself it follows TMPDIR, and would make it
 * anew each time. See guestfs(3).
 */
const cache = process.env['LIBGUESTFS_CACHEDIR'] ?? '/var/tmp';

/** Runs a guestfs tool whose temporary files (its overlay of the image, its sockets) go when it ends, or is killed. */
export async function runAppliance(call: ExecOptions): Promise<ExecResult> {
  const folder = await mkdtemp(join(tmpdir(), 'vmkiln-appliance-'));
  try {
    return await exec({ ...call, env: { ...call.env, TMPDIR: folder, LIBGUESTFS_CACHEDIR: cache } });
  } catch (error) {
    await removeDeadSockets();
    throw error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
