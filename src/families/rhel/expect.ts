import { renderTemplate } from '../../answers/templates.ts';
import type { Expectation, LinuxExpectation } from '../../verify/expectation.ts';
import { kickstartOf } from './kickstarts.ts';
import { expectation } from '../linux/expect.ts';
import { systemArguments } from './kernel-arguments.ts';
import type { RhelRecipe } from './recipe.ts';
import { rhelRelease } from './releases.ts';
import { kickstartView, userOf } from './views.ts';

/** What a clone of an image of this recipe must be like. Of an image that somebody else partitioned nobody knows whether it grows. */
export function expects(recipe: RhelRecipe): Expectation {
  const { growRoot, leastMemory, machine } = rhelRelease(recipe);
  return expectation(recipe, {
    user: userOf(recipe),
    card: 'eth0',
    grows: growRoot === undefined || recipe.packages.includes(growRoot),
    noZeroconf: true,
    ...(recipe.source.image === undefined && { selinux: selinuxOf(recipe) }),
    kernelArguments: systemArguments(recipe),
    errors: [],
    machine: { memory: leastMemory, diskBus: 'virtio', ...(machine && { type: machine }) },
  });
}

/** The mode that the kickstart asks for; without the command it is enforcing (pykickstart, `selinux`). */
function selinuxOf(recipe: RhelRecipe): NonNullable<LinuxExpectation['selinux']> {
  const { text } = renderTemplate(kickstartOf(recipe), 'ks.cfg', 'text', kickstartView(recipe));
  const mode = /^selinux\s+--(disabled|permissive)\b/m.exec(text)?.[1];
  return mode === 'disabled' || mode === 'permissive' ? mode : 'enforcing';
}
