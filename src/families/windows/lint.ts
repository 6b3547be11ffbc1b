import { checkAccounts } from './unattend-accounts.ts';
import { checkDisk, type Report } from './unattend-disk.ts';
import { checkImage } from './unattend-image.ts';
import { checkValues } from './unattend-values.ts';
import { appliesImage, descendants, type Element, positionOf, withoutTwins } from './unattend.ts';
import { lintUnattend, type Remark } from './unattend-lint.ts';
import { templateLines } from '../../answers/lines.ts';
import type { RenderedFile } from '../../model.ts';
import type { WindowsRecipe } from './recipe.ts';
import { type Finding, findingText } from '../family.ts';
import { genericKeys } from './releases.ts';
import { answerView, diskDriver, driverFolders, regionalView } from './views.ts';

/** The lint of the rendered answer file, and the checks that no schema makes: against the machine of the recipe. */
export function lintAnswers(recipe: WindowsRecipe, rendered: readonly RenderedFile[]): Finding[] {
  const file = rendered.find(({ name }) => name === 'Autounattend.xml');
  if (!file) return [];
  const { root, remarks } = lintUnattend(file.text, genericKeys);
  const across = root ? acrossLayers(recipe, root, file.text) : [];
  const found = [...remarks, ...across];
  const own = recipe.install.answerFile;
  if (own === undefined || found.length === 0) return found.map((remark) => ({ file: file.name, ...remark }));
  const lines = templateLines(own, 'xml', answerView(recipe), file.text);
  const traced = found.map((remark) => ({ file: own, ...remark, line: lines?.[remark.line - 1] ?? remark.line }));
  // Of a line within {{#each}} it is said once.
  return [...new Map(traced.map((finding) => [findingText(finding), finding])).values()];
}

/** What Setup only finds out when it has started: a disk that it does not see, partitions that its firmware cannot boot. */
function acrossLayers(recipe: WindowsRecipe, whole: Element, text: string): Remark[] {
  const { firmware, diskBus } = recipe.machine;
  const found: Remark[] = [];
  const report: Report = ({ at }, message, level = 'error') => found.push({ ...positionOf(text, at), level, message });
  checkArchitecture(whole, report);
  const root = withoutTwins(whole);
  const pass = root.children.find(({ attributes }) => attributes['pass'] === 'windowsPE');
  const setup = root.children
    .filter(({ attributes }) => attributes['pass'] === 'windowsPE')
    .flatMap(({ children }) => children);
  const component = (name: string) => setup.find(({ attributes }) => attributes['name']?.toLowerCase() === name);
  checkDisk(recipe, setup, report);
  checkAccounts(recipe, root, report);
  checkValues(recipe, root, report);
  checkImage(recipe, root, setup, report);
  if (recipe.install.answerFile !== undefined) checkRegion(recipe, root, report);
  const driver = diskDriver(recipe);
  if (driver !== undefined && !setup.some((each) => loads(each, driver))) {
    const folder = driverFolders(recipe).find((each) => each.startsWith(driver));
    report(
      component('microsoft-windows-pnpcustomizationswinpe') ?? pass ?? root,
      `the disk is attached as ${diskBus}, and no DriverPaths of the pass windowsPE names ${driver} of the virtio ISO: Setup would see no disk (the folder is ${folder?.replaceAll('/', '\\')}, and no letter of a drive is sure: name it for each of C: to I:)`,
    );
  }
  const types = setup
    .flatMap((each) => descendants(each, 'CreatePartition'))
    .flatMap(({ children }) => children.filter(({ name }) => name === 'Type'));
  const efi = types.find(({ text: type }) => type === 'EFI');
  if (types[0] && firmware === 'uefi' && !efi)
    report(types[0], 'the machine has UEFI firmware, and no partition of the type EFI is made: Windows could not boot');
  if (firmware === 'bios' && efi)
    report(efi, 'the machine has BIOS firmware, and a partition of the type EFI is made: Setup refuses it');
  if (!setup.some((each) => descendants(each, 'InstallFrom').length > 0) && !appliesImage(setup))
    report(
      component('microsoft-windows-setup') ?? pass ?? root,
      'no ImageInstall/OSImage/InstallFrom names an image: Setup asks when the media have several',
      'warning',
    );
  const call = /(?<!%)\b([a-z]):\\build\.cmd/i.exec(text);
  const drive = call?.[1]?.toUpperCase();
  if (call && drive !== 'F')
    report(
      { ...root, at: call.index },
      `build.cmd is on the answer CD, which is not drive ${drive}: look for it on every drive, as the shipped answer file does`,
    );
  if (!/build\.cmd|sysprep/i.test(text) && descendants(root, 'Generalize').length === 0)
    report(
      root,
      'neither build.cmd nor Sysprep is run: nothing powers the guest off, and the image is of one machine',
      'warning',
    );
  return found;
}

/** What the answer file sets ends with Sysprep: an instance has what the recipe says, in the file that Sysprep is given. */
function checkRegion(recipe: WindowsRecipe, root: Element, report: Report): void {
  const { timezone, language, formats, keyboard } = regionalView(recipe);
  const keys = [
    ['TimeZone', 'timezone', timezone],
    ['UILanguage', 'language', language],
    ['UserLocale', 'formats', formats],
    ['InputLocale', 'keyboard', keyboard],
  ] as const;
  for (const [name, key, wanted] of keys) {
    const other = descendants(root, name).findLast(({ text }) => text.toLowerCase() !== wanted.toLowerCase());
    if (other)
      report(other, `instances have \`${key}: ${wanted}\` of the recipe: this is of the installation alone`, 'warning');
  }
}

/** The drivers are those of 64-bit Windows, and so are its media, whose Windows PE runs nothing else. Some files serve two architectures. */
function checkArchitecture(root: Element, report: Report): void {
  for (const { attributes: pass, children } of root.children) {
    const foreign = pass['pass'] === 'windowsPE' ? /^(x86|arm64|wow64)$/i : /^(x86|arm64)$/i;
    const name = ({ attributes }: Element) => attributes['name']?.toLowerCase();
    const fitting = children.filter(({ attributes }) => {
      const architecture = attributes['processorArchitecture'] ?? '';
      return /^(amd64|wow64)$/i.test(architecture) && !foreign.test(architecture);
    });
    for (const component of children) {
      const architecture = component.attributes['processorArchitecture'];
      if (architecture === undefined || !foreign.test(architecture)) continue;
      if (!fitting.some((each) => name(each) === name(component)))
        report(component, `the media are of amd64, and Setup passes over a component for ${architecture}`);
    }
  }
}

/** Whether a component of the pass windowsPE loads a driver: from the ISOs, where Setup searches subfolders too, or by a command. */
function loads(component: Element, driver: string): boolean {
  const paths = (element: Element) => descendants(element, 'Path').map(({ text }) => text.toLowerCase());
  const folders = descendants(component, 'DriverPaths').flatMap(paths);
  const commands = descendants(component, 'RunSynchronous').flatMap(paths);
  // One that loads what it finds, by a variable, may find it.
  return (
    commands.some((command) => command.includes(driver) || /drvload[^&|]*%/.test(command)) ||
    folders.some((folder) => reaches(folder, driver))
  );
}

/** Any letter may be that of the virtio ISO, but X:, where Windows PE runs. What is on a share is not known. */
function reaches(folder: string, driver: string): boolean {
  const [, letter, rest = ''] = /^([a-z]):[\\/]*(.*)$/.exec(folder) ?? [];
  // "A local or UNC path" ("Path" of PathAndCredentials): one without a drive would be of X:.
  if (letter === undefined) return /^(\\\\|%)/.test(folder);
  // virtio-win has the drivers a second time, below `amd64`.
  const isForeign = /(^|[\\/])(x86|arm64)([\\/]|$)/.test(rest);
  return letter !== 'x' && (/^($|amd64)/.test(rest) || (rest.includes(driver) && !isForeign));
}
