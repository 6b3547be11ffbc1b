import { z } from 'zod';
import { checksum, disk, installKeys, machineKeys, medium } from '../../recipe/common.ts';
import { recipeForm } from '../form.ts';
import { hostPath, line, secret, show } from '../../recipe/values.ts';
import { didYouMean } from '../../text.ts';
import { administratorName } from './accounts.ts';
import { command } from './command-keys.ts';
import { keyboards, languageTag } from './languages.ts';
import { windowsRelease } from './releases.ts';
import { settingKeys } from './settings.ts';
import { windowsStep } from './step-keys.ts';
import { timeZones } from './timezones.ts';
import { updatesKey } from './updates.ts';

const source = z.strictObject({
  iso: medium('Installation ISO'),
  sha256: checksum('the ISO'),
  virtioIso: medium('ISO with the virtio drivers (virtio-win)'),
  virtioSha256: checksum('the virtio ISO'),
  cloudbaseInitMsi: medium('Installer of Cloudbase-Init, the x64 MSI'),
  cloudbaseInitSha256: checksum('the installer of Cloudbase-Init'),
});

const install = z.strictObject({
  image: line('the name of an image, like Windows Server 2022 SERVERSTANDARD, and not its number', /\D/)
    .optional()
    .describe(
      'Name of the image in the install.wim of the ISO, that is the edition; by default Standard with its desktop for a server, else Pro.',
    ),
  answerFile: hostPath()
    .optional()
    .describe('Template of your own Autounattend.xml; relative to the recipe. By default the shipped one.'),
  commands: z
    .array(command)
    .prefault([])
    .describe(
      'Your own commands, run as Administrator in the installed Windows before Sysprep: as typed at a prompt of cmd, or scripts. Windows restarts after a command that ends with 3010 or 1641; any other exit status but 0 ends the build.',
    ),
  updates: updatesKey,
  recovery: z
    .enum(['none', 'partition'])
    .prefault('none')
    .describe(
      'Windows RE: `none` disables and removes it before Sysprep, with the partition that Setup makes for it behind C:. `partition` puts it into a partition of 1 GiB before C:, if the answer file is the shipped one. In both cases nothing lies behind C:, so that instances can grow it.',
    ),
  ...installKeys({ timeout: '4h', stallTimeout: '45m' }),
});

/** The releases of Windows that vmkiln knows; their data is in releases.ts. */
const windowsVersions = ['2016', '2019', '2022', '2025', '10', '11'] as const;

/** What stands in the place of a key may be one, and is never repeated. */
const productKeyForm =
  'expected generic, or a reference to a secret { env: NAME } or { file: PATH }; a key itself never belongs in a recipe';

const form = recipeForm({
  family: z.literal('windows').describe('The family of operating systems.'),
  release: z
    .enum(windowsVersions)
    .describe('Release in quotes: the year of Windows Server, or `10` or `11`; LTSC too.'),
  source: source.describe('The media of the installation.'),
  productKey: z
    .union([z.literal('generic', { error: productKeyForm }), secret()], { error: productKeyForm })
    .optional()
    .describe(
      'Product key, by reference, or `generic` for the KMS client key that Microsoft publishes for the edition. Evaluation media need none.',
    ),
  administratorPassword: secret().describe(
    'Password of Administrator during the build, by reference. Cloudbase-Init gives each instance another one.',
  ),
  disk: disk('20G', '40G'),
  machine: z
    .strictObject({
      ...machineKeys({ memory: '2G' }, { memory: '4G' }),
      diskBus: z
        .enum(['virtio', 'scsi', 'sata'])
        .prefault('virtio')
        .describe('How the disk is attached. Windows itself has a driver only for `sata`.'),
      tpm: z
        .boolean()
        .optional()
        .describe('Whether the machine has an emulated TPM 2.0 (swtpm); by default where the release demands one.'),
    })
    .prefault({})
    .describe('Virtual machine that the installation runs in.'),
  language: line('a language like en-US', languageTag)
    .prefault('en-US')
    .describe('Language of the system; the ISO must have it.'),
  formats: line('a language like en-GB', languageTag)
    .optional()
    .describe('Language for the formats of dates, numbers and currency; by default that of the system.'),
  keyboard: line('a keyboard layout like en-US or 0409:00000409', keyboards)
    .prefault('en-US')
    .describe('Keyboard layout.'),
  timezone: line(
    'a time zone of Windows, like UTC or W. Europe Standard Time (tzutil /l lists them)',
    /^[A-Za-z0-9 .+()-]+$/,
  )
    .prefault('UTC')
    .describe('Time zone, by its Windows name (`tzutil /l`).'),
  organization: line('a name of at most 256 characters', /^.{1,256}$/)
    .optional()
    .describe('Registered organization.'),
  install: install.prefault({}).describe('How the installer is driven.'),
  settings: settingKeys,
  cloudbaseInit: z
    .strictObject({
      user: line('a user name', /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,19}$/)
        .optional()
        .describe(
          'User whose password and SSH keys Cloudbase-Init sets; it creates a missing user. By default the built-in Administrator of a server, by its name in the language of the system, and `Admin` in client editions, whose Administrator is disabled.',
        ),
      config: hostPath()
        .optional()
        .describe(
          'Template of your own cloudbase-init.conf, from which both its files are rendered; relative to the recipe. By default the shipped one.',
        ),
    })
    .prefault({})
    .describe('What Cloudbase-Init does at first boot.'),
  customize: z.array(windowsStep).prefault([]).describe('Your own steps on the finished, generalized system.'),
});

export type WindowsRecipe = z.output<typeof form>;

/** The form of a recipe of the Windows family. */
export const windowsForm = form.superRefine(refuseUnfit);

/** The names of images of Microsoft's media tell their release; those of clients have been named 10 where they are 11. */
function refuseImage(recipe: WindowsRecipe, refuse: (message: string) => void): void {
  const { release, productKey } = recipe;
  const { image = '' } = recipe.install;
  const [, server, named] = /^Windows (Server )?(\d+)\b/i.exec(image) ?? [];
  const { isServer } = windowsRelease({ release });
  if (named !== undefined && named !== release && (isServer || server !== undefined))
    refuse(`expected an image of Windows ${release}, got ${show(image)}`);
  if (productKey !== undefined && /\bEval(uation)?\b/i.test(image))
    refuse(`expected no productKey with ${show(image)}: evaluation media take none`);
}

/** What Setup refuses whatever else a recipe says. */
function refuseUnfit(recipe: WindowsRecipe, context: z.RefinementCtx): void {
  const { release, machine, language, cloudbaseInit } = recipe;
  const refuse = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message });
  if (!timeZones.includes(recipe.timezone))
    refuse(['timezone'], `Windows has no time zone ${show(recipe.timezone)}${didYouMean(recipe.timezone, timeZones)}`);
  refuseImage(recipe, (message) => refuse(['install', 'image'], message));
  const builtIn = administratorName(language);
  if (!windowsRelease({ release }).isServer && cloudbaseInit.user?.toLowerCase() === builtIn.toLowerCase())
    refuse(
      ['cloudbaseInit', 'user'],
      `expected another user than ${builtIn}: Windows ${release} disables it when it is generalized`,
    );
  if (release !== '11') {
    if (machine.tpm && machine.firmware === 'bios') refuse(['machine', 'tpm'], 'expected `firmware: uefi` with a TPM');
    return;
  }
  if (machine.firmware !== 'uefi')
    refuse(['machine', 'firmware'], 'expected uefi: Windows 11 does not install with bios');
  if (machine.tpm === false) refuse(['machine', 'tpm'], 'expected true: Windows 11 does not install without a TPM');
  if (machine.vcpus < 2) refuse(['machine', 'vcpus'], 'expected at least 2 for Windows 11');
  if (machine.memory < 4 * 1024 ** 3) refuse(['machine', 'memory'], 'expected at least 4G for Windows 11');
}
