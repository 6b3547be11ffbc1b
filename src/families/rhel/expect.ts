import type { RenderedFile } from '../../model.ts';
import type { Expectation, LinuxExpectation } from '../../verify/expectation.ts';
import { expectation } from '../linux/expect.ts';
import { systemArguments } from './kernel-arguments.ts';
import type { RhelRecipe } from './recipe.ts';
import { rhelRelease } from './releases.ts';
import { userOf } from './views.ts';

/** What a clone of an image of this recipe must be like. */
export function expects(recipe: RhelRecipe, rendered: readonly RenderedFile[]): Expectation {
  const { growRoot, leastMemory, machine } = rhelRelease(recipe);
  const kickstart = rendered.find(({ name }) => name === 'ks.cfg');
  return expectation(recipe, {
    user: userOf(recipe),
    card: 'eth0',
    grows: growRoot === undefined || recipe.packages.includes(growRoot),
    noZeroconf: true,
    ...zoneIn(kickstart?.text ?? '', recipe.customize),
    ...modeIn(kickstart?.text, recipe.customize),
    kernelArguments: systemArguments(recipe),
    machine: { memory: leastMemory, diskBus: 'virtio', ...(machine && { type: machine }) },
  });
}

/** The time zone that the kickstart asks for, unless a step of the recipe may set another one. */
function zoneIn(kickstart: string, customize: RhelRecipe['customize']): Pick<LinuxExpectation, 'timezone'> {
  const words = /^timezone\s+(.*)$/m.exec(kickstart)?.[1]?.split(/\s+/) ?? [];
  const zones = words.filter((word) => /^"?[A-Z][\w+/-]*"?$/.test(word));
  const isOpen = /localtime|timezone/.test(JSON.stringify(customize));
  return zones.length === 1 && !isOpen ? { timezone: (zones[0] ?? '').replaceAll('"', '') } : {};
}

/**
 * The mode of SELinux that the kickstart asks for; without the command it is enforcing (pykickstart, `selinux`). A ready image has its own, unless a step
 * of the recipe may set another one.
 */
function modeIn(kickstart: string | undefined, customize: RhelRecipe['customize']): Pick<LinuxExpectation, 'selinux'> {
  if (kickstart === undefined)
    return /selinux|setenforce/i.test(JSON.stringify(customize)) ? {} : { selinux: 'shipped' };
  const mode = /^selinux\s+--(disabled|permissive)\b/m.exec(kickstart)?.[1];
  return { selinux: mode === 'disabled' || mode === 'permissive' ? mode : 'enforcing' };
}
