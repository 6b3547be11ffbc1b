import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeDeadSockets } from '../store/leftovers.ts';
import { exec, type ExecOptions, type ExecResult } from '../tools/exec.ts';

/** Runs a guestfs tool whose temporary files (its overlay of the image, its sockets) go when it ends, or is killed. */
export async function runAppliance(call: ExecOptions): Promise<ExecResult> {
  const folder = await mkdtemp(join(tmpdir(), 'vmkiln-appliance-'));
  try {
    return await exec({ ...call, env: { ...call.env, TMPDIR: folder } });
  } catch (error) {
    await removeDeadSockets();
    throw error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
