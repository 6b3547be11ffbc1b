import { removeDeadSockets } from '../store/leftovers.ts';
import { withTemporary } from '../store/temporary.ts';
import { exec, type ExecOptions, type ExecResult } from '../tools/exec.ts';

/**
 * Runs a guestfs tool whose temporary files (its overlay of the image, its sockets) go when it ends, or is killed. It ends
 * with this process, and its appliance with it: see `guestfs_set_recovery_proc` in guestfs(3).
 */
export async function runAppliance(call: ExecOptions): Promise<ExecResult> {
  return withTemporary('vmkiln-appliance-', async (folder) => {
    try {
      return await exec({ ...call, confined: {}, env: { ...call.env, TMPDIR: folder } });
    } catch (error) {
      await removeDeadSockets();
      throw error;
    }
  });
}
