import type { Expectation } from '../../verify/expectation.ts';
import { consoles } from './console.ts';

/** What all distributions have in common: what the shipped cloud.cfg and guest.sh make of every image. */
export function expectation(
  recipe: { cloudInit: { rootLogin: Expectation['root'] }; rootPassword?: unknown },
  own: Pick<Expectation, 'card' | 'grows' | 'noZeroconf' | 'selinux' | 'errors'> & {
    user: string;
    kernelArguments: string;
  },
): Expectation & { user: string } {
  return {
    ...own,
    root: recipe.cloudInit.rootLogin,
    rootPassword: recipe.rootPassword !== undefined,
    kernelArguments: `${consoles} ${own.kernelArguments}`.trim().split(' '),
  };
}
