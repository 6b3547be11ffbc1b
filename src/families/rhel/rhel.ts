import { join } from 'node:path';
import { renderTemplate, type View } from '../../answers/templates.ts';
import type { Arg, Host, Media, RenderedFile } from '../../model.ts';
import { readyImage } from '../../recipe/media.ts';
import { quoted, uefiBoot } from '../../tools/virt-install.ts';
import {
  type Contribution,
  type Family,
  type FileOf,
  type Finding,
  type Installation,
  mediumPiece,
  type Omitted,
} from '../family.ts';
import { consoles } from '../linux/console.ts';
import { networkArguments, stepArguments } from '../linux/steps.ts';
import { identityFiles, instanceArguments, sharedEdits } from '../linux/identity.ts';
import { leftoversArguments, leftoversNote, leftoversScript, resolver } from '../linux/leftovers.ts';
import { guestScript } from '../linux/scripts.ts';
import { sealArguments, sealScript } from '../linux/seal.ts';
import { sysprepOperations } from '../linux/sysprep.ts';
import { trustArguments } from '../linux/trust.ts';
import { rootPassword, virtioProperties } from '../linux/views.ts';
import { anaconda } from './anaconda.ts';
import { expects } from './expect.ts';
import { first } from './first.ts';
import { fipsOf, installerArguments } from './kernel-arguments.ts';
import { kickstartOf } from './kickstarts.ts';
import { lintKickstart } from './kickstart-lint.ts';
import { distributionOf } from './distributions.ts';
import { rhelFailures } from './failures.ts';
import { checkMedium } from './medium.ts';
import { packageForm, rpmFolder, rpmPath } from './packages.ts';
import { filesOf, resolvePaths } from './paths.ts';
import { rhelForm, type RhelRecipe } from './recipe.ts';
import { osinfoIds, rhelRelease } from './releases.ts';
import { packageSources } from './sources.ts';
import {
  cleanView,
  cloudView,
  guestView,
  kernelView,
  kickstartView,
  managesPackages,
  maxAge,
  packagesView,
  userOf,
} from './views.ts';

const templates = join(import.meta.dirname, '../../../templates/rhel');
const dracutConfig = '/etc/dracut.conf.d/vmkiln.conf';

/** Red Hat Enterprise Linux and what is made like it, installed by Anaconda from a kickstart. */
export const rhel: Family<RhelRecipe> = {
  form: rhelForm,
  media: { iso: 'sha256', [readyImage]: 'sha256' },
  resolve: resolvePaths,
  first,
  files: filesOf,
  osinfo: osinfoIds,
  machine: ({ machine, source }) => ({
    uefi: machine.firmware === 'uefi' && source.image === undefined,
    secureBoot: false,
    tpm: false,
  }),
  render,
  install,
  customize,
  maxAge,
  packageSources,
  sysprep,
  trims,
  lint,
  check: checkMedium,
  installer: anaconda,
  failures: rhelFailures,
  expects,
  properties,
  notes,
};

function render(recipe: RhelRecipe): RenderedFile[] {
  const shipped = (name: string, view: View) => renderTemplate(join(templates, `${name}.hbs`), name, 'text', view);
  const edits = (name: string, view: View, last?: string) =>
    guestScript(join(templates, `${name}.hbs`), name, view, last);
  const ready = recipe.source.image !== undefined;
  const { init, trust } = rhelRelease(recipe);
  return [
    ...(ready ? [] : [renderTemplate(kickstartOf(recipe), 'ks.cfg', 'text', kickstartView(recipe))]),
    ...(managesPackages(recipe) ? [shipped('packages.sh', packagesView(recipe))] : []),
    { ...shipped('cloud.cfg', cloudView(recipe)), name: '99_vmkiln.cfg' },
    ...(ready ? [leftoversScript(recipe.source.keep, trust)] : []),
    edits('kernel.sh', kernelView(recipe)),
    edits('guest.sh', guestView(recipe), sharedEdits(init)),
    ...identityFiles(init),
    sealScript(
      { init, metadata: recipe.cloudInit.network === 'metadata' },
      shipped('clean-rhel.sh', cleanView(recipe)),
    ),
    ...(recipe.rootPassword ? [rootPassword(recipe.rootPassword)] : []),
  ];
}

function install(recipe: RhelRecipe, media: Media, { accelerator }: Host): Installation | Omitted {
  if (media[readyImage]) return { omitted: 'the source is a ready image' };
  const { machine } = rhelRelease(recipe);
  const kernel = `${installerArguments(recipe)} ${consoles}`;
  // Without KVM a busy host may deliver the first timer ticks too late, and the kernel takes its clock for broken.
  const kernelArguments = { host: accelerator === 'tcg' ? ' no_timer_check' : '' };
  return {
    before: [],
    machine: recipe.machine,
    limits: recipe.install,
    devices: { diskBus: 'virtio', logPort: 'org.fedoraproject.anaconda.log.0', restarts: false },
    args: [
      ...(machine ? ['--machine', machine] : []),
      ...['--location', ['location=', ...quoted(mediumPiece(media, 'iso'))] as Arg],
      ...['--initrd-inject', { rendered: 'ks.cfg' }],
      ...['--extra-args', [kernel, kernelArguments] as Arg],
      ...(recipe.machine.firmware === 'uefi' ? [...uefiBoot(false), '--tpm', 'none'] : []),
    ],
    keys: ['source', 'distribution', 'release', 'machine', 'install', 'language', 'keyboard', 'timezone'],
  };
}

/** Images of the initial RAM disk that are made in an appliance need the drivers of every machine, not those of this one. */
const dracut: Arg[] = ['--mkdir', '/etc/dracut.conf.d', '--write', `${dracutConfig}:hostonly="no"\n`];

/** After the packages, of which one may be a kernel: GRUB's configuration and initial RAM disks take long, and steps of the recipe change neither. */
const kernelScript: Arg[] = ['--run', { rendered: 'kernel.sh' }];

/** What comes before anything is fetched, in the stage that comes first. */
function preparation(recipe: RhelRecipe, file: FileOf): Arg[] {
  return [...dracut, ...trustArguments(recipe.caCertificates, rhelRelease(recipe).trust, file)];
}

function customize(recipe: RhelRecipe, file: FileOf): Contribution | Omitted {
  if (!managesPackages(recipe)) return { omitted: 'there is no registration, no update and no package' };
  const ca = recipe.subscription?.caCertificate;
  const certificate: Arg[] = ca ? ['--upload', [file(ca), ':/etc/rhsm/ca/vmkiln-server.pem']] : [];
  return {
    args: [
      '--no-logfile',
      ...preparation(recipe, file),
      ...certificate,
      ...rpmArguments(recipe, file),
      ...['--run', { rendered: 'packages.sh' }],
      ...kernelScript,
    ],
    keys: [
      ...['distribution', 'caCertificates', 'subscription', 'proxy', 'repositories', 'distributionRepositories'],
      ...['update', 'packages', ...kernelKeys(recipe)],
    ],
  };
}

/** The keys that kernel.sh follows, where no installation does. */
function kernelKeys(recipe: RhelRecipe): string[] {
  if (recipe.source.image === undefined) return [];
  return ['release', ...(recipe.install.kernelArguments.length > 0 ? ['install'] : [])];
}

/** virt-customize(1) options that bring the RPMs of the user's own into the guest. */
function rpmArguments({ packages }: RhelRecipe, file: FileOf): Arg[] {
  const own = packages.filter((name) => packageForm(name) === 'file');
  if (own.length === 0) return [];
  return ['--mkdir', rpmFolder, ...own.flatMap((path): Arg[] => ['--upload', [file(path), `:${rpmPath(path)}`]])];
}

function sysprep(recipe: RhelRecipe, file: FileOf): Contribution {
  const { init } = rhelRelease(recipe);
  const manages = managesPackages(recipe);
  return {
    args: [
      ...networkArguments(recipe.customize),
      '--no-logfile',
      ...(manages ? [] : preparation(recipe, file)),
      ...(recipe.source.image === undefined ? [] : leftoversArguments(recipe.source.keep, [resolver])),
      ...(manages ? [] : kernelScript),
      ...instanceArguments(init),
      ...['--run', { rendered: 'guest.sh' }],
      ...recipe.customize.flatMap((step) => stepArguments(step, file)),
      ...(recipe.rootPassword ? ['--root-password', ['file:', { rendered: 'root-password' }] as Arg] : []),
      ...['--operations', sysprepOperations.join(',')],
      ...sealArguments,
    ],
    keys: [
      ...[
        'distribution',
        'release',
        ...(recipe.source.image === undefined ? [] : ['source']),
        ...(manages ? [] : ['caCertificates', ...kernelKeys(recipe)]),
      ],
      ...['cloudInit', 'rootPassword', 'customize'],
    ],
  };
}

/** What a kickstart may put on the disk besides mounted filesystems, or may hide: swap, volume groups, included files. */
const otherStorage =
  /^\s*(autopart|volgroup|logvol|raid|btrfs|%include|part(ition)?\s+(.*\s)?(swap|pv\.|raid\.|btrfs\.))/m;

function trims(rendered: readonly RenderedFile[]): boolean {
  const kickstart = rendered.find(({ name }) => name === 'ks.cfg');
  return kickstart !== undefined && !otherStorage.test(kickstart.text);
}

function lint(recipe: RhelRecipe, rendered: readonly RenderedFile[]): Finding[] {
  const kickstart = rendered.find(({ name }) => name === 'ks.cfg');
  const { major } = rhelRelease(recipe);
  return kickstart
    ? lintKickstart('ks.cfg', kickstart.text, {
        major,
        firmware: recipe.machine.firmware,
        disk: recipe.disk.size,
        fips: fipsOf(recipe),
      })
    : [];
}

/** The version is what the distributor calls it: osinfo-db may know the major release alone. */
function properties(recipe: RhelRecipe): Record<string, string> {
  const system = { os_distro: distributionOf(recipe).distro, os_version: recipe.release };
  return { ...system, ...virtioProperties(userOf(recipe), recipe.packages) };
}

function notes(recipe: RhelRecipe): string[] {
  const { packages, repositories, proxy, source, subscription, release } = recipe;
  const { attach, growRoot } = rhelRelease(recipe);
  const { ended, subscribes, title } = distributionOf(recipe);
  const all = [
    source.image !== undefined ? leftoversNote : undefined,
    ended && managesPackages(recipe)
      ? `${title} has ended: its packages come from ${ended.vault}, where the image goes on looking for them`
      : undefined,
    packages.length > 0 && subscribes && !subscription && repositories.length === 0
      ? 'packages are requested without a subscription or repositories: they must come from what the installed system has configured'
      : undefined,
    packages.length === 0 && source.image === undefined
      ? 'no packages are requested: the build fails unless the installed system has cloud-init'
      : undefined,
    !attach && subscription && subscription.attach !== 'none'
      ? `subscription.attach is left out: RHEL ${release} has no attach, a registered system may use every repository of its organization`
      : undefined,
    proxy && !/:\d+\/?$/.test(proxy.url)
      ? `proxy.url says no port: it is ${proxy.url.startsWith('https') ? 443 : 80} for whatever goes through it`
      : undefined,
    growRoot && !packages.includes(growRoot)
      ? `the root partition of an instance does not grow to the disk of its flavor: resize it by hand, or add ${growRoot} to packages`
      : undefined,
    'SELinux labels are set with the setfiles of the guest; where that fails, each instance relabels and restarts once at its first boot',
  ];
  return all.filter((note) => note !== undefined);
}
