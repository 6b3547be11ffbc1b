import type { Recipe } from '../families/recipe.ts';

/** What image properties follow from: the recipe, what its family says of it, the libosinfo id of its release. */
export type System = {
  recipe: Pick<Recipe, 'machine'>;
  family: Readonly<Record<string, string>>;
  osinfo: string | undefined;
  architecture: string;
};

/** The image properties of OpenStack that follow from a recipe. */
export function systemProperties({ recipe, family, osinfo, architecture }: System): Record<string, string> {
  const { firmware } = recipe.machine;
  return {
    ...(osinfo === undefined ? {} : osProperties(osinfo)),
    architecture,
    hw_firmware_type: firmware,
    ...(firmware === 'uefi' && { hw_machine_type: 'q35' }),
    ...family,
  };
}

/** Kinds of systems by how their libosinfo id begins. */
const systems: readonly { match: RegExp; type: string; distro?: string }[] = [
  { match: /^win/, type: 'windows', distro: 'windows' },
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
