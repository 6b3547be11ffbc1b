import type { RhelRecipe } from '../recipe/schema.ts';

/** What differs between the releases of Red Hat Enterprise Linux. */
export type RhelRelease = {
  major: number;
  /** The last minor release that osinfo-db may know. */
  lastMinor: number;
  /** The kickstart template used when the recipe names none. */
  kickstart: string;
  /** Kernel arguments of the installer and of the installed system: they keep the name eth0. */
  kernelArguments: string;
  /** Where grub2-mkconfig writes to. */
  grubConfig: Record<RhelRecipe['machine']['firmware'], string>;
  /** Whether systemd keeps an identity in /etc/machine-id. */
  machineId: boolean;
};

const releases: readonly RhelRelease[] = [
  {
    major: 7,
    lastMinor: 9,
    kickstart: 'rhel7.ks.hbs',
    kernelArguments: 'net.ifnames=0 biosdevname=0',
    grubConfig: { bios: '/boot/grub2/grub.cfg', uefi: '/boot/efi/EFI/redhat/grub.cfg' },
    machineId: true,
  },
];

/** The data of a recipe's release. The schema lets only releases through that are here. */
export function rhelRelease(recipe: RhelRecipe): RhelRelease {
  const major = Number(recipe.release.split('.')[0]);
  const found = releases.find((release) => release.major === major);
  if (!found) throw new Error(`no data for RHEL ${recipe.release}`);
  return found;
}
