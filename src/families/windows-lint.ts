import { descendants, type Element } from '../answers/unattend.ts';
import { lintUnattend, type Remark } from '../answers/unattend-lint.ts';
import type { RenderedFile } from '../model.ts';
import type { WindowsRecipe } from '../recipe/schema.ts';
import type { Finding } from './family.ts';
import { genericKeys } from './windows-releases.ts';
import { diskDriver, driverFolders } from './windows-views.ts';

/** The lint of the rendered answer file, and the checks that no schema makes: against the machine of the recipe. */
export function lintAnswers(recipe: WindowsRecipe, rendered: readonly RenderedFile[]): Finding[] {
  const file = rendered.find(({ name }) => name === 'Autounattend.xml');
  if (!file) return [];
  const { root, remarks } = lintUnattend(file.text, genericKeys);
  const across = root ? acrossLayers(recipe, root, file.text) : [];
  const name = recipe.install.answerFile ?? file.name;
  return [...remarks, ...across].map((remark) => ({ file: name, ...remark }));
}

/** What Setup only finds out when it has started: a disk that it does not see, partitions that its firmware cannot boot. */
function acrossLayers(recipe: WindowsRecipe, root: Element, text: string): Remark[] {
  const { firmware, diskBus } = recipe.machine;
  const found: Remark[] = [];
  const say = (level: Remark['level'], message: string) => found.push({ line: 1, column: 1, level, message });
  const setup = root.children
    .filter(({ attributes }) => attributes['pass'] === 'windowsPE')
    .flatMap(({ children }) => children);
  const driver = diskDriver(recipe);
  const paths = setup.flatMap((component) => descendants(component, 'Path').map((path) => path.text.toLowerCase()));
  if (driver !== undefined && !paths.some((path) => path.includes(driver))) {
    const folder = driverFolders(recipe).find((each) => each.startsWith(driver));
    say(
      'error',
      `the disk is attached as ${diskBus}, and no DriverPaths of the pass windowsPE names ${driver}: Setup would see no disk (the folder is ${folder} on E:)`,
    );
  }
  const types = setup.flatMap((component) =>
    descendants(component, 'CreatePartition').flatMap(({ children }) => children.filter(({ name }) => name === 'Type')),
  );
  const hasEfi = types.some(({ text: type }) => type === 'EFI');
  if (types.length > 0 && firmware === 'uefi' && !hasEfi)
    say('error', 'the machine has UEFI firmware, and no partition of the type EFI is made: Windows could not boot');
  if (firmware === 'bios' && hasEfi)
    say('error', 'the machine has BIOS firmware, and a partition of the type EFI is made: Setup refuses it');
  if (!setup.some((component) => descendants(component, 'InstallFrom').length > 0))
    say('warning', 'no ImageInstall/OSImage/InstallFrom names an image: Setup asks when the media have several');
  if (!/build\.cmd|sysprep/i.test(text) && descendants(root, 'Generalize').length === 0)
    say(
      'warning',
      'neither F:\\build.cmd nor Sysprep is run: nothing powers the guest off, and the image is of one machine',
    );
  return found;
}
