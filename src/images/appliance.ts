import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { removeDeadSockets } from '../store/leftovers.ts';
import { exec, type Call, type ExecResult } from '../tools/exec.ts';
import { coverImage, imageOptions } from '../tools/qemu-img.ts';
import { withTemporary } from '../tools/temporary.ts';

/**
 * Runs a guestfs tool on an image from elsewhere. These tools pass on a file and its format only, so they get an overlay
 * whose backing file is the image, without one of its own unless `backing` allows it; `call` makes the call for it. All temporary files (the tool's own
 * overlay, its sockets) go when it ends, or is killed. It ends with this process, and its appliance with it: see
 * `guestfs_set_recovery_proc` in guestfs(3).
 *
 * @throws VmkilnError as `exec` does.
 */
export async function runAppliance(
  { path, format, backing = false }: { path: string; format: string; backing?: boolean },
  call: (overlay: string) => Call,
  signal: AbortSignal,
): Promise<ExecResult> {
  return withTemporary('vmkiln-appliance-', async (folder) => {
    // qcow2 takes at most 1023 bytes for the name of a backing file, and a path may have more. But an image finds its own
    // backing file from where it lies.
    const name = backing ? path : join(folder, 'image');
    if (!backing) await symlink(path, name);
    const overlay = join(folder, 'overlay.qcow2');
    await exec({ ...coverImage(imageOptions(name, format, { backing }), format, overlay), signal });
    const tool = call(overlay);
    try {
      return await exec({ ...tool, signal, confined: {}, env: { ...tool.env, TMPDIR: folder } });
    } catch (error) {
      await removeDeadSockets();
      throw error;
    }
  });
}
