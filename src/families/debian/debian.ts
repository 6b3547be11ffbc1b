import { join } from 'node:path';
import { renderTemplate, type View } from '../../answers/templates.ts';
import type { Arg, RenderedFile } from '../../model.ts';
import { readyImage } from '../../recipe/media.ts';
import type { Contribution, Family, FileOf, Omitted } from '../family.ts';
import { identityFiles, instanceArguments, sharedEdits } from '../linux/identity.ts';
import { leftoversArguments, leftoversNote, leftoversScript } from '../linux/leftovers.ts';
import { guestScript } from '../linux/scripts.ts';
import { sealArguments, sealScript } from '../linux/seal.ts';
import { chmod, networkArguments, stepArguments } from '../linux/steps.ts';
import { sysprepOperations } from '../linux/sysprep.ts';
import { trustArguments } from '../linux/trust.ts';
import { rootPassword, virtioProperties } from '../linux/views.ts';
import { expects } from './expect.ts';
import { filesOf, resolvePaths } from './paths.ts';
import { debianForm, type DebianRecipe } from './recipe.ts';
import { osinfoIds, trust } from './releases.ts';
import { packageSources } from './sources.ts';
import { cloudView, guestView, kernelView, keyFile, managesPackages, maxAge, packagesView, userOf } from './views.ts';

const templates = join(import.meta.dirname, '../../../templates/debian');

/** Debian and Ubuntu, from their cloud images. The image's own cloud-init configures its network. */
export const debian: Family<DebianRecipe> = {
  form: debianForm,
  media: { [readyImage]: 'sha256' },
  resolve: resolvePaths,
  files: filesOf,
  osinfo: osinfoIds,
  machine: () => ({ uefi: false, secureBoot: false, tpm: false }),
  render,
  install: () => ({ omitted: 'the source is a ready image' }),
  customize,
  maxAge,
  packageSources,
  sysprep,
  trims: () => false,
  expects,
  properties: (recipe) => virtioProperties(userOf(recipe), recipe.packages),
  notes,
};

function render(recipe: DebianRecipe): RenderedFile[] {
  const shipped = (name: string, view: View) => renderTemplate(join(templates, `${name}.hbs`), name, 'text', view);
  const edits = (name: string, view: View, last?: string) =>
    guestScript(join(templates, `${name}.hbs`), name, view, last);
  return [
    ...(managesPackages(recipe) ? [shipped('packages.sh', packagesView(recipe))] : []),
    { ...shipped('cloud.cfg', cloudView(recipe)), name: '99_vmkiln.cfg' },
    leftoversScript(recipe.source.keep, trust),
    edits('kernel.sh', kernelView),
    edits('guest.sh', guestView(recipe), sharedEdits('systemd')),
    ...identityFiles('systemd'),
    // Networks of the recipe's own, by netplan or ifupdown, need no cloud-init.
    sealScript({ init: 'systemd', metadata: false }, shipped('clean-debian.sh', {})),
    ...(recipe.rootPassword ? [rootPassword(recipe.rootPassword)] : []),
  ];
}

/** Keys of repositories lie where APT's own documentation puts them: sources.list(5), deb822 Signed-By. */
function keys({ repositories }: DebianRecipe, file: FileOf): Arg[] {
  const uploads = repositories.flatMap((repository): Arg[] => {
    if (!repository.key) return [];
    const path = keyFile(repository);
    return ['--upload', [file(repository.key), `:${path}`], ...chmod('0644', path)];
  });
  return uploads.length > 0 ? ['--mkdir', '/etc/apt/keyrings', ...uploads] : [];
}

/** After the packages, of which one may be a kernel: update-grub takes long, and steps of the recipe change nothing of it. */
const kernelScript: Arg[] = ['--run', { rendered: 'kernel.sh' }];

function customize(recipe: DebianRecipe, file: FileOf): Contribution | Omitted {
  if (!managesPackages(recipe)) return { omitted: 'there is no update and no package' };
  return {
    args: [
      '--no-logfile',
      ...trustArguments(recipe.caCertificates, trust, file),
      ...keys(recipe, file),
      ...['--run', { rendered: 'packages.sh' }],
      ...kernelScript,
    ],
    keys: ['distribution', 'release', 'caCertificates', 'mirror', 'repositories', 'proxy', 'update', 'packages'],
  };
}

function sysprep(recipe: DebianRecipe, file: FileOf): Contribution {
  const manages = managesPackages(recipe);
  return {
    args: [
      ...networkArguments(recipe.customize),
      '--no-logfile',
      ...(manages ? [] : trustArguments(recipe.caCertificates, trust, file)),
      // /etc/resolv.conf is a link to what systemd-resolved writes, or the DHCP client's to write anew.
      ...leftoversArguments(recipe.source.keep),
      ...(manages ? [] : kernelScript),
      ...instanceArguments('systemd'),
      ...['--run', { rendered: 'guest.sh' }],
      ...recipe.customize.flatMap((step) => stepArguments(step, file)),
      ...(recipe.rootPassword ? ['--root-password', ['file:', { rendered: 'root-password' }] as Arg] : []),
      ...['--operations', sysprepOperations.join(',')],
      ...sealArguments,
    ],
    keys: [
      ...['distribution', 'release', 'source', ...(manages ? [] : ['caCertificates'])],
      ...['cloudInit', 'rootPassword', 'customize'],
    ],
  };
}

function notes({ distribution, mirror, update }: DebianRecipe): string[] {
  const insecure = distribution === 'debian' && mirror !== undefined && mirror.security === undefined;
  return [
    leftoversNote,
    ...(update !== false && insecure
      ? ['mirror has no security archive: packages get no security updates while the image is built']
      : []),
  ];
}
