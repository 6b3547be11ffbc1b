import { error, valueOf, warning, type Kickstart, type Remark } from './syntax.ts';

/** Who knows of FIPS mode besides the kickstart: the installer (fips=1 on its command line), or the recipe's packages too. */
export type Fips = 'nobody' | 'installer' | 'packages';

/**
 * Whether a kickstart makes what FIPS mode needs. With fips=1 on its own command line the installer of RHEL 6 brings dracut-fips
 * (platform.py), those from 8 on set the policy (modules/security/installation.py). That of 7 has neither, only the arguments of
 * the system (bootloader.py); without dracut-fips its initial RAM disk checks no kernel, and /etc/system-fips is missing.
 */
export function fipsRemarks(
  { commands, includes }: Pick<Kickstart, 'commands' | 'includes'>,
  text: string,
  { major, fips = 'nobody' }: { major: number; fips?: Fips | undefined },
): Remark[] {
  const seenTo = includes || /dracut-fips|fips-mode-setup/.test(text);
  if (seenTo) return [];
  if (fips === 'installer' && major === 7)
    return [error(1, 'fips=1 needs the package dracut-fips, which the installer of RHEL 7 does not bring by itself')];
  const appended = commands.find(
    (command) => command.name === 'bootloader' && /(^|\s)fips=1(\s|$)/.test(valueOf(command, '--append') ?? ''),
  );
  return appended && fips === 'nobody'
    ? [
        warning(
          appended.line,
          'fips=1 is for the installer too, which sets the system up for it: install.kernelArguments',
        ),
      ]
    : [];
}
