import { join } from 'node:path';
import { renderTemplate } from '../../answers/templates.ts';
import { tool, tpmTools } from '../../host/checks/tools.ts';
import type { Arg, Host, MachineNeeds, Media, RenderedFile } from '../../model.ts';
import { quoted, uefiBoot } from '../../tools/virt-install.ts';
import { answerMedium } from '../../tools/xorriso.ts';
import { type Contribution, type Family, type FileOf, type Installation, mediumPiece } from '../family.ts';
import { loginUser } from './accounts.ts';
import { renderAnswers, templates } from './answers.ts';
import { cloudbaseView, lintCloudbase } from './cloudbase.ts';
import { commandFileNames, commandFiles } from './commands.ts';
import { windowsFailures } from './failures.ts';
import { lintAnswers } from './lint.ts';
import { checkMedia } from './media.ts';
import { windowsPartition } from './partitions.ts';
import { resolvePaths } from './paths.ts';
import { windowsForm, type WindowsRecipe } from './recipe.ts';
import { buildLogs, expectation, leftovers } from './leftovers.ts';
import { windowsRelease } from './releases.ts';
import { windowsSetup } from './setup-log.ts';
import { stepArguments, stepFiles } from './steps.ts';
import { updatesOf, updatesView } from './updates.ts';
import { buildView, recoveryView, regionalView } from './views.ts';

/** Windows, installed by Setup from an Autounattend.xml, generalized by its own Sysprep, started by Cloudbase-Init. */
export const windows: Family<WindowsRecipe> = {
  form: windowsForm,
  media: { iso: 'sha256', virtioIso: 'virtioSha256', cloudbaseInitMsi: 'cloudbaseInitSha256' },
  resolve: resolvePaths,
  tools: {
    id: 'windows-tools',
    title: 'Windows images',
    // Some need a TPM; libguestfs writes their disks with ntfs-3g.
    tools: [...tpmTools, tool('ntfs-3g', 'ntfs-3g')],
    status: 'warn',
  },
  files: (recipe) => recipe.customize.flatMap(stepFiles),
  osinfo: (recipe) => windowsRelease(recipe).osinfo,
  machine: machineOf,
  render,
  install,
  customize,
  expects: ({ machine }) => ({ ...expectation, diskBus: machine.diskBus }),
  // Its updates are of the installation.
  maxAge: () => undefined,
  packageSources: (recipe) => ({
    repositories: [],
    ca: [],
    unseen: updatesOf(recipe) ? ['Windows Update'] : [],
  }),
  trims: () => false,
  sysprep: () => ({ omitted: 'Windows has been generalized by its own Sysprep, at the end of the installation' }),
  installer: windowsSetup,
  failures: windowsFailures,
  logs: (recipe) => ({ partition: windowsPartition(recipe), folders: logFolders }),
  lint: (recipe, rendered) => [...lintAnswers(recipe, rendered), ...lintCloudbase(recipe, rendered)],
  check: checkMedia,
  properties: (recipe) => ({
    os_admin_user: loginUser(recipe),
    hw_disk_bus: recipe.machine.diskBus,
    ...(recipe.machine.diskBus === 'scsi' && { hw_scsi_model: 'virtio-scsi' }),
    hw_vif_model: 'virtio',
    // build.cmd installs the agent.
    hw_qemu_guest_agent: 'yes',
    os_require_quiesce: 'yes',
  }),
  notes,
};

/** Where Setup, Sysprep and Cloudbase-Init keep their logs. */
const logFolders = [
  '/Windows/Panther',
  '/Windows/System32/Sysprep/Panther',
  '/$WINDOWS.~BT/Sources/Panther',
  '/Program Files/Cloudbase Solutions/Cloudbase-Init/log',
  buildLogs,
];

/** What Sysprep is given. Setup takes a file called Unattend.xml of a CD for its own ("Windows Setup Automation Overview"). */
const sysprepAnswers = 'cloudbase-init-unattend.xml';

function render(recipe: WindowsRecipe): RenderedFile[] {
  const answers = renderAnswers(recipe);
  const updates = updatesOf(recipe);
  const text = (template: string, name: string, view: ReturnType<typeof buildView>) =>
    withCrlf(renderTemplate(join(templates, `${template}.hbs`), name, 'text', view));
  const cloudbase = (name: string, specialize: boolean) => {
    const template = recipe.cloudbaseInit.config ?? join(templates, 'cloudbase-init.conf.hbs');
    return withCrlf(renderTemplate(template, name, 'text', cloudbaseView(recipe, specialize)));
  };
  return [
    // Both the password and the key leave their mark in the registry of the image.
    { ...answers, holes: answers.holes.map((hole) => ({ ...hole, inGuest: true })) },
    text('build.cmd', 'build.cmd', buildView(recipe)),
    text('recovery.ps1', 'recovery.ps1', recoveryView(recipe)),
    ...(updates ? [text('updates.ps1', 'updates.ps1', updatesView(updates))] : []),
    ...commandFiles(recipe, templates).map((file) => (file.name.endsWith('.cmd') ? withCrlf(file) : file)),
    cloudbase('cloudbase-init.conf', false),
    cloudbase('cloudbase-init-unattend.conf', true),
    renderTemplate(join(templates, `${sysprepAnswers}.hbs`), sysprepAnswers, 'xml', regionalView(recipe)),
  ];
}

/** What the answer CD has, as `render` names it. */
function answerFiles(recipe: WindowsRecipe): string[] {
  return [
    'Autounattend.xml',
    'build.cmd',
    'recovery.ps1',
    ...(updatesOf(recipe) ? ['updates.ps1'] : []),
    ...commandFileNames(recipe),
    'cloudbase-init.conf',
    'cloudbase-init-unattend.conf',
    sysprepAnswers,
  ];
}

/** cmd.exe loses labels of a script whose lines end in a line feed alone. */
function withCrlf(file: RenderedFile): RenderedFile {
  return { ...file, text: file.text.replace(/\r?\n/g, '\r\n') };
}

/**
 * The media are CD drives: first that of Windows, then the drivers, then the answers. The disk comes first in the boot
 * order: while it is empty the firmware goes on to the Windows ISO, and when Setup restarts the guest, it boots from disk.
 */
function install(recipe: WindowsRecipe, media: Media, host: Host): Installation {
  const answers = { work: 'answers.iso' };
  const cdrom = (path: Arg, order: string) =>
    [
      '--disk',
      ['path=', ...quoted(path), { sure: ',driver.type=raw' }, `,device=cdrom,bus=sata,readonly=on${order}`] as Arg,
    ] as const;
  return {
    before: [
      {
        ...answerMedium(answers, 'ANSWERS', {
          ...Object.fromEntries(answerFiles(recipe).map((name) => [name, { rendered: name }])),
          'CloudbaseInitSetup.msi': mediumPiece(media, 'cloudbaseInitMsi'),
        }),
        // The password of the build is on it, and the product key.
        secretFile: answers.work,
      },
    ],
    machine: recipe.machine,
    limits: recipe.install,
    maxAge: updatesOf(recipe)?.maxAge,
    devices: {
      diskBus: recipe.machine.diskBus,
      logPort: undefined,
      restarts: true,
      // The prompt of the ISO lasts some five seconds, as its users observe, and comes when the firmware is done, which is slow without KVM.
      bootKey: { key: 'KEY_SPACE', every: 2, during: host.accelerator === 'kvm' ? 40 : 180 },
    },
    args: [
      ...cdrom(mediumPiece(media, 'iso'), ',boot.order=2'),
      ...cdrom(mediumPiece(media, 'virtioIso'), ''),
      ...cdrom(answers, ''),
      ...(recipe.machine.diskBus === 'scsi' ? ['--controller', 'type=scsi,model=virtio-scsi'] : []),
      ...firmware(recipe),
      ...enlightenments(host),
    ],
    keys: [
      ...([
        'source',
        'release',
        'machine',
        'install',
        'settings',
        'language',
        'formats',
        'keyboard',
        'timezone',
      ] as const),
      ...(['productKey', 'administratorPassword', 'organization', 'cloudbaseInit'] as const),
    ],
  };
}

/** Windows 11 asks for firmware that is capable of Secure Boot, and for a TPM 2.0. */
function machineOf(recipe: WindowsRecipe): MachineNeeds {
  const { needsTpm } = windowsRelease(recipe);
  const uefi = recipe.machine.firmware === 'uefi';
  return { uefi, secureBoot: uefi && needsTpm, tpm: recipe.machine.tpm ?? needsTpm };
}

function firmware(recipe: WindowsRecipe): Arg[] {
  const { uefi, secureBoot, tpm } = machineOf(recipe);
  return [
    ...(uefi ? uefiBoot(secureBoot) : []),
    '--tpm',
    tpm ? 'backend.type=emulator,backend.version=2.0,model=tpm-crb' : 'none',
  ];
}

/**
 * Windows keeps local time in the hardware clock, and runs many times better with the Hyper-V interfaces of KVM, which
 * TCG does not have. libvirt would set them by the osinfo name, which an older host may not know.
 */
function enlightenments({ accelerator }: Host): Arg[] {
  const kvm = accelerator === 'kvm';
  const features = ['relaxed', 'vapic', 'spinlocks'].map((name) => `hyperv.${name}.state=${kvm ? 'on' : 'off'}`);
  return [
    '--clock',
    { host: `offset=localtime,hypervclock_present=${kvm ? 'yes' : 'no'}` },
    '--features',
    { host: [...features, ...(kvm ? ['hyperv.spinlocks.retries=8191'] : [])].join(',') },
  ];
}

function customize(recipe: WindowsRecipe, file: FileOf): Contribution {
  return {
    args: [
      '--no-logfile',
      ...leftovers.flatMap((path) => ['--delete', path]),
      ...recipe.customize.flatMap((step, index) => stepArguments(step, index, file)),
    ],
    keys: ['customize'],
  };
}

function notes(recipe: WindowsRecipe): string[] {
  return recipe.productKey === undefined
    ? ['without a product key only evaluation and volume licence media install without a question']
    : [];
}
