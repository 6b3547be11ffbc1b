import type { Expectation } from '../../verify/expectation.ts';
import { expectation } from '../linux/expect.ts';
import { systemArguments } from './kernel-arguments.ts';
import type { RhelRecipe } from './recipe.ts';
import { rhelRelease } from './releases.ts';
import { userOf } from './views.ts';

/** What a clone of an image of this recipe must be like. Of an image that somebody else partitioned nobody knows whether it grows. */
export function expects(recipe: RhelRecipe): Expectation {
  const { growRoot, leastMemory, machine } = rhelRelease(recipe);
  const shipped = recipe.source.image === undefined && recipe.install.kickstart === undefined;
  return expectation(recipe, {
    user: userOf(recipe),
    card: 'eth0',
    grows: growRoot === undefined || recipe.packages.includes(growRoot),
    noZeroconf: true,
    ...(shipped && { selinux: 'enforcing' as const }),
    kernelArguments: systemArguments(recipe),
    errors: [],
    machine: { memory: leastMemory, diskBus: 'virtio', ...(machine && { type: machine }) },
  });
}
