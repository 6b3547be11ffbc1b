import type { Recipe } from '../recipe/recipe.ts';
import { osProperties } from './glance/wanted.ts';

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
