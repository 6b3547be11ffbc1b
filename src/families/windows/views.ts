import { VmkilnError } from '../../errors.ts';
import type { View } from '../../answers/templates.ts';
import type { SecretRef } from '../../model.ts';
import { commandsOf } from './commands.ts';
import { partitionsOf, windowsPartition } from './partitions.ts';
import type { WindowsRecipe } from './recipe.ts';
import { editionOfImage, imageName, windowsRelease } from './releases.ts';
import { updatesOf } from './updates.ts';

/**
 * Letters under which Setup looks for the virtio ISO, for nobody can say what Windows PE gives it: Setup passes over a driver
 * path that does not exist, as the answer files of chef/bento rely on, which name F: for every hypervisor.
 */
const letters = ['C', 'D', 'E', 'F', 'G', 'H', 'I'];

/** A first-logon command is no batch file: there a variable of `for` has one percent sign. */
const startBuild =
  'cmd.exe /d /c "for %x in (D E F G H I J K L M N O P Q R S T U V W Y Z) do if exist %x:\\build.cmd call %x:\\build.cmd"';

/** Folders of the drivers that Setup loads, on the virtio ISO: what the disk hangs on, and the network. */
export function driverFolders(recipe: WindowsRecipe): string[] {
  const { drivers } = windowsRelease(recipe);
  return ['viostor', 'vioscsi', 'NetKVM'].map((driver) => `${driver}/${drivers}/amd64`);
}

/** The driver without which Windows does not see the disk; undefined for a bus that it knows by itself. */
export function diskDriver({ machine }: WindowsRecipe): string | undefined {
  return { virtio: 'viostor', scsi: 'vioscsi', sata: undefined }[machine.diskBus];
}

/** What autounattend.xml.hbs, or a template of the user's, may use. */
export function answerView(recipe: WindowsRecipe): View {
  const { release, machine, install, administratorPassword, organization = '' } = recipe;
  const partitions = partitionsOf(recipe);
  const productKey = productKeyOf(recipe);
  return {
    release,
    image: imageName(recipe),
    ...regionalView(recipe),
    owner: 'Administrator',
    // "Username" of AutoLogon: "only the English word will automatically enable the account", whatever the language of the system.
    administrator: 'Administrator',
    organization,
    client: !windowsRelease(recipe).isServer,
    uefi: machine.firmware === 'uefi',
    windowsPartition: windowsPartition(recipe),
    partitions: partitions.map(({ number, type, size }) => ({ number, type, size })),
    volumes: partitions
      .flatMap(({ number, volume }) => (volume ? [{ number, ...volume }] : []))
      .map((volume, index) => ({ order: index + 1, ...volume })),
    drivers: letters
      .flatMap((letter) => driverFolders(recipe).map((folder) => `${letter}:\\${folder.replaceAll('/', '\\')}`))
      .map((path, index) => ({ key: index + 1, path })),
    hasProductKey: productKey !== undefined,
    secretProductKey: typeof productKey === 'object',
    productKey: productKey ?? '',
    administratorPassword,
    commands: [{ order: 1, title: 'Make the installed Windows an image', line: startBuild }],
    variables: install.variables,
  };
}

/**
 * What cloudbase-init-unattend.xml.hbs may use. The answer file of the installation says the same, but whatever an instance is told by its
 * own it makes of defaults: "TimeZone" of the "Unattended Windows Setup Reference".
 */
export function regionalView({ language, formats, keyboard, timezone }: WindowsRecipe) {
  return { language, formats: formats ?? language, keyboard, timezone };
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
      hint: 'name an image of Standard, Datacenter, Pro, Education, Enterprise or Enterprise LTSC, or refer to a key of yours',
    },
  );
}

/** What build.cmd.hbs may use. */
export function buildView(recipe: WindowsRecipe): View {
  const updates = updatesOf(recipe);
  const { before, after } = commandsOf(recipe);
  return {
    before,
    commands: after,
    updates: updates !== undefined,
    server: updates?.server ?? '',
    setupComplete: windowsRelease(recipe).isServer,
    // As reg.exe reads it, in a batch file.
    resume: startBuild.replaceAll('%', '%%').replaceAll('"', String.raw`\"`),
  };
}

/** What recovery.ps1.hbs may use. */
export function recoveryView({ install }: WindowsRecipe): View {
  return { keeps: install.recovery === 'partition' };
}
