import { VmkilnError } from '../../errors.ts';
import type { View } from '../../answers/templates.ts';
import type { SecretRef } from '../../model.ts';
import type { WindowsRecipe } from './recipe.ts';
import { editionOfImage, imageName, windowsRelease } from './releases.ts';

/**
 * Letters of the drives, in the order in which the CD drives are attached: a machine with an empty disk gives D: to the
 * first of them, and the installed Windows, whose one lettered volume is C:, does the same.
 */
const drives = { iso: 'D:', virtioIso: 'E:', answers: 'F:' } as const;

/** Folders of the drivers that Setup loads, on the virtio ISO: what the disk hangs on, and the network. */
export function driverFolders(recipe: WindowsRecipe): string[] {
  const { drivers } = windowsRelease(recipe);
  return ['viostor', 'vioscsi', 'NetKVM'].map((driver) => `${driver}/${drivers}/amd64`);
}

/** The driver without which Windows does not see the disk; undefined for a bus that it knows by itself. */
export function diskDriver({ machine }: WindowsRecipe): string | undefined {
  return { virtio: 'viostor', scsi: 'vioscsi', sata: undefined }[machine.diskBus];
}

/** Number of the partition that Windows is installed on. */
export function windowsPartition({ machine }: WindowsRecipe): number {
  return machine.firmware === 'uefi' ? 3 : 1;
}

/** What autounattend.xml.hbs, or a template of the user's, may use. */
export function answerView(recipe: WindowsRecipe): View {
  const { release, language, keyboard, timezone, machine, install, administratorPassword, organization = '' } = recipe;
  const productKey = productKeyOf(recipe);
  return {
    release,
    image: imageName(recipe),
    language,
    keyboard,
    timezone,
    owner: 'Administrator',
    organization,
    uefi: machine.firmware === 'uefi',
    windowsPartition: windowsPartition(recipe),
    drivers: driverFolders(recipe).map((folder, index) => ({
      key: index + 1,
      path: `${drives.virtioIso}\\${folder.replaceAll('/', '\\')}`,
    })),
    hasProductKey: productKey !== undefined,
    secretProductKey: typeof productKey === 'object',
    productKey: productKey ?? '',
    administratorPassword,
    commands: [
      { order: 1, title: 'Make the installed Windows an image', line: `cmd.exe /c ${drives.answers}\\build.cmd` },
    ],
    variables: install.variables,
  };
}

/** The key itself when it is a published one, or the reference to a secret. @throws VmkilnError RECIPE_INVALID */
function productKeyOf(recipe: WindowsRecipe): string | SecretRef | undefined {
  if (recipe.productKey !== 'generic') return recipe.productKey;
  const image = imageName(recipe);
  const key = windowsRelease(recipe).genericKeys[editionOfImage(image) ?? ''];
  if (key !== undefined) return key;
  throw new VmkilnError(
    'RECIPE_INVALID',
    `productKey: there is no generic key that is known to fit the image "${image}"`,
    {
      hint: 'name an image of the Standard, Datacenter, Pro, Education or Enterprise edition, or refer to a key of yours',
    },
  );
}

/** What build.cmd.hbs may use. */
export function buildView({ install }: WindowsRecipe): View {
  return { commands: install.commands.map((line, index) => ({ number: index + 1, line })) };
}

/** What cloudbase-init.conf.hbs may use; `specialize` for the configuration of Sysprep's specialize pass. */
export function cloudbaseView({ cloudbaseInit }: WindowsRecipe, specialize: boolean): View {
  return {
    user: cloudbaseInit.user,
    specialize,
    logfile: specialize ? 'cloudbase-init-unattend.log' : 'cloudbase-init.log',
  };
}
