import { z } from 'zod';
import { line } from '../../recipe/values.ts';
import type { Fips } from './kickstart/fips.ts';
import { rhelRelease } from './releases.ts';

/** What vmkiln says itself, on the installer's command line or of the consoles. */
const taken = /^((inst\.)?(ks|kickstart|text|cmdline|graphical|vnc)|net\.ifnames|biosdevname|console)(=|$)/;

/**
 * What is about the installer and its own network (`inst.` options of Anaconda; dracut.cmdline(7)). An installed system that
 * found them would wait for a network in its initial RAM disk.
 */
const installerOnly =
  /^(inst\.\S+|ip|nameserver|ifname|bootdev|bond|team|bridge|vlan|rd\.(route|neednet|live\.\S+))(=|$)/;

export const kernelArgumentsKey = z
  .array(
    line('a kernel argument like fips=1', /^[A-Za-z0-9_][\w.,:;=/@%+~-]*$/).refine((text) => !taken.test(text), {
      error: ({ input }) => `expected another kernel argument than ${String(input)}: vmkiln sets it itself`,
    }),
  )
  .prefault([])
  .describe(
    'Kernel arguments of the installer and of the installed system, such as fips=1, which the installer must have too. Those of the installer alone (inst.*, ip=, rd.neednet=, …) stay with it.',
  );

type Recipe = Parameters<typeof rhelRelease>[0] & { install: { kernelArguments: readonly string[] } };

/** The recipe's own kernel arguments for the installed system. */
export function ownArguments({ install }: Pick<Recipe, 'install'>): string[] {
  return install.kernelArguments.filter((argument) => !installerOnly.test(argument));
}

/** The kernel arguments of the installed system but for its consoles. */
export function systemArguments(recipe: Recipe): string {
  return [rhelRelease(recipe).kernelArguments, ...ownArguments(recipe)].join(' ').trim();
}

/** Who brings what FIPS mode needs besides the kickstart. */
export function fipsOf({ install, packages }: Pick<Recipe, 'install'> & { packages: readonly string[] }): Fips {
  if (!install.kernelArguments.includes('fips=1')) return 'nobody';
  return packages.includes('dracut-fips') ? 'packages' : 'installer';
}

/**
 * The kernel arguments of the installer. With fips=1 here Anaconda puts fips=1 and boot= on the kernel line of the system and,
 * but for 7 (kickstart/fips.ts), brings what it needs; on an installed system RHEL 10 has no way to do so.
 */
export function installerArguments(recipe: Recipe): string {
  const { installer, kernelArguments } = rhelRelease(recipe);
  return [installer, kernelArguments, ...recipe.install.kernelArguments].filter((text) => text !== '').join(' ');
}
