import { holeMark } from '../../answers/holes.ts';
import { show } from '../../recipe/values.ts';
import { didYouMean } from '../../text.ts';
import type { WindowsRecipe } from './recipe.ts';
import { editionOfImage, editionOfKey } from './releases.ts';
import type { Report } from './unattend-disk.ts';
import { appliesImage, childOf, descendants, type Element, isTrue, textOf } from './unattend.ts';

const imageKeys = ['/IMAGE/NAME', '/IMAGE/INDEX', '/IMAGE/DESCRIPTION'];

/** The terms of the license, the image that is named, and the key against its edition. */
export function checkImage(recipe: WindowsRecipe, root: Element, setup: readonly Element[], report: Report): void {
  const component = setup.find(({ attributes }) => attributes['name']?.toLowerCase() === 'microsoft-windows-setup');
  if (!component) return;
  const accepts = descendants(component, 'UserData').some((data) => isTrue(data, 'AcceptEula'));
  if (!accepts && !appliesImage(setup))
    report(component, 'UserData/AcceptEula: expected true: Setup would show the license terms and wait');
  const all = descendants(component, 'OSImage').flatMap((image) => descendants(image, 'MetaData'));
  for (const data of all) checkMetaData(recipe, data, report);
  if (all[1])
    report(all[1], 'MetaData: the image is named above, and the ISO is looked through for that alone', 'warning');
  for (const from of descendants(component, 'InstallFrom')) checkPath(childOf(from, 'Path'), report);
  const name = all.find((data) => /\/name$/i.test(textOf(data, 'Key') ?? ''));
  const image = textOf(name, 'Value');
  // The one decides which edition Setup installs, the other activates it ("ProductKey" of Microsoft-Windows-Shell-Setup).
  const ofSetup = descendants(component, 'ProductKey').flatMap((each) => descendants(each, 'Key'));
  const ofShell = descendants(root, 'ProductKey').filter(({ children }) => children.length === 0);
  for (const key of ofSetup) checkKey(recipe, key, image, report);
  for (const key of ofShell.filter((each) => !ofSetup.includes(each))) checkKey(recipe, key, image, report);
}

/** "Path" of InstallFrom: Setup ends where it cannot read that file, and takes install.wim of the media where none is named. */
function checkPath(path: Element | undefined, report: Report): void {
  if (path === undefined) return;
  if (!/\.(wim|esd|swm)$/i.test(path.text) && path.text !== '')
    report(path, `Path: expected the name of a file of images with its folder, got ${show(path.text)}`);
  else if (/^[a-z]:/i.test(path.text))
    report(path, `Path: no letter of a drive is sure: leave it out, and Setup takes that of the ISO`, 'warning');
}

/** "MetaData": the name, number or description of an image; old versions took any path into the XML of the WIM. */
function checkMetaData(recipe: WindowsRecipe, data: Element, report: Report): void {
  const [key, value] = [childOf(data, 'Key'), childOf(data, 'Value')];
  if (!key) report(data, `MetaData has no Key: expected ${imageKeys.join(', ')}`);
  if (!value) report(data, 'MetaData has no Value');
  if (!key || !value) return;
  const wanted = `Key: expected ${imageKeys.join(', ')}, got ${show(key.text)}${didYouMean(key.text, imageKeys)}`;
  if (key.text !== '' && !/^\/image\//i.test(key.text)) report(key, wanted);
  else if (key.text !== '' && !imageKeys.includes(key.text.toUpperCase())) report(key, wanted, 'warning');
  if (/\/index$/i.test(key.text) && !/^[1-9]\d*$/.test(value.text))
    report(value, `Value: expected the number of an image, from 1, got ${show(value.text)}`);
  if (/\/name$/i.test(key.text) && /^\d+$/.test(value.text))
    report(
      value,
      `Value: expected the name of an image, got ${value.text}, which is a number: the Key of that is /IMAGE/INDEX`,
    );
  const [, server, release] = /^Windows (Server )?(\d+)\b/i.exec(/\/name$/i.test(key.text) ? value.text : '') ?? [];
  if (release !== undefined && release !== recipe.release)
    report(
      value,
      `Value: ${show(value.text)} is of another release than ${recipe.release}, that of the recipe`,
      // Media of clients have been named otherwise than they are.
      server === undefined ? 'warning' : 'error',
    );
}

/** A key is never repeated, for it may be a secret in the clear. */
function checkKey(recipe: WindowsRecipe, key: Element, image: string | undefined, report: Report): void {
  if (key.text === '') {
    if (key.name === 'ProductKey')
      report(key, 'ProductKey is empty: Setup takes no empty one, leave it out or fill it');
    return;
  }
  if (key.text.includes(holeMark.trim())) return;
  if (!/^[A-Z0-9]{5}(-[A-Z0-9]{5}){4}$/i.test(key.text))
    return report(key, `${key.name}: expected five groups of five letters and digits, with hyphens between them`);
  if (/^X[X-]*$/i.test(key.text)) return report(key, `${key.name}: expected a key in place of the ${show(key.text)}`);
  const published = editionOfKey(key.text);
  if (!published) return;
  const wanted = image === undefined ? undefined : editionOfImage(image);
  if (wanted !== undefined && published.edition !== wanted)
    report(key, `${key.name}: this one is published for ${published.edition}, and the image "${image}" is ${wanted}`);
  else if (!published.releases.includes(recipe.release))
    report(
      key,
      `${key.name}: this one is published for Windows ${published.releases.join(' and ')}, and the recipe is of ${recipe.release}`,
    );
}
