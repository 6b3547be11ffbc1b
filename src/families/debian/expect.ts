import { expectation } from '../linux/expect.ts';
import type { Expectation } from '../../verify/expectation.ts';
import type { DebianRecipe } from './recipe.ts';
import { userOf } from './views.ts';

/** What a clone of an image of this recipe must be like. The image's own names of network cards stay. */
export function expects(recipe: DebianRecipe): Expectation {
  return expectation(recipe, {
    user: userOf(recipe),
    grows: true,
    noZeroconf: false,
    kernelArguments: '',
    machine: { memory: 1024 ** 3, diskBus: 'virtio' },
  });
}
