import { firmwareProperties, osProperties } from '../images/system-properties.ts';
import type { Recipe } from '../recipe/recipe.ts';

/** What image properties follow from: the recipe, what its family says of it, the libosinfo id of its release. */
export type System = {
  recipe: Pick<Recipe, 'machine'>;
  family: Readonly<Record<string, string>>;
  osinfo: string | undefined;
  architecture: string;
};

/** The image properties of OpenStack that follow from a recipe. */
export function systemProperties({ recipe, family, osinfo, architecture }: System): Record<string, string> {
  return {
    ...(osinfo === undefined ? {} : osProperties(osinfo)),
    architecture,
    ...(recipe.machine && firmwareProperties(recipe.machine.firmware)),
    ...family,
  };
}
