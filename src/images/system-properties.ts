/** Kinds of systems by how their libosinfo id begins. */
const systems: readonly { match: RegExp; type: string; distro?: string }[] = [
  { match: /^win/, type: 'windows', distro: 'windows' },
  { match: /^centos-stream/, type: 'linux', distro: 'centos' },
  { match: /^[a-z-]+/, type: 'linux' },
];

/**
 * The properties that follow from a libosinfo id such as `rhel7.9`: Compute looks at `os_distro`, Red Hat's guide sets
 * `os_name`.
 */
export function osProperties(osinfo: string): Record<string, string> {
  const [, letters = osinfo, version = ''] = /^([a-z-]+?)-?(\d[\w.]*)?$/.exec(osinfo) ?? [];
  const system = systems.find(({ match }) => match.test(osinfo));
  const distro = system?.distro ?? letters;
  return {
    os_name: osinfo,
    ...(system && { os_type: system.type }),
    os_distro: distro,
    ...(version !== '' && { os_version: version }),
  };
}

export type FirmwareProperties = { hw_firmware_type: string; hw_machine_type?: string };

/** The properties that follow from a firmware: UEFI needs a machine of the type q35. */
export function firmwareProperties(firmware: string): FirmwareProperties {
  return { hw_firmware_type: firmware, ...(firmware === 'uefi' && { hw_machine_type: 'q35' }) };
}
