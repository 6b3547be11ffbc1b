import type { Recipe } from '../recipe/schema.ts';
import { osProperties } from './glance-wanted.ts';

/** The image properties of OpenStack that follow from a recipe. `osinfo` is the libosinfo id of its release. */
export function systemProperties(
  recipe: Recipe,
  osinfo: string | undefined,
  architecture: string,
): Record<string, string> {
  const { machine, packages, cloudInit } = recipe;
  const os = osinfo === undefined ? {} : osProperties(osinfo);
  const isLinux = os['os_type'] === 'linux';
  const hasAgent = packages.includes('qemu-guest-agent');
  return {
    ...os,
    architecture,
    hw_firmware_type: machine.firmware,
    ...(machine.firmware === 'uefi' && { hw_machine_type: 'q35' }),
    ...(isLinux
      ? { os_admin_user: cloudInit.user, hw_disk_bus: 'virtio', hw_vif_model: 'virtio' }
      : { os_admin_user: 'Administrator' }),
    // Without the agent in it, an instance that must be quiesced cannot be snapshot.
    ...(hasAgent && { hw_qemu_guest_agent: 'yes', os_require_quiesce: 'yes' }),
  };
}
