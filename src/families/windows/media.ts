import { existsSync } from 'node:fs';
import { missingFromIso, windowsImages } from '../../media/iso.ts';
import type { WimImage } from '../../media/wim.ts';
import type { Media, SecretRef } from '../../model.ts';
import type { WindowsRecipe } from './recipe.ts';
import { editionOfKey, imageName, windowsRelease } from './releases.ts';
import { driverFolders } from './views.ts';
import { didYouMean } from '../../text.ts';

/**
 * What the media lack for a recipe: Setup would stop at a dialog for each of these, half an hour into the build. Media
 * that are not there yet have nothing said of them.
 */
export async function checkMedia(
  recipe: WindowsRecipe,
  media: Media,
  read: (secret: SecretRef) => string,
): Promise<string[]> {
  const there = (role: string) => {
    const path = media[role]?.path;
    return path !== undefined && existsSync(path) ? path : undefined;
  };
  const [iso, virtioIso] = [there('iso'), there('virtioIso')];
  return [
    ...(iso === undefined ? [] : imageProblems(recipe, await windowsImages(iso), read)),
    ...(virtioIso === undefined ? [] : driverProblems(recipe, await missingFromIso(virtioIso, needed(recipe)))),
  ];
}

function needed(recipe: WindowsRecipe): string[] {
  return [...driverFolders(recipe), 'virtio-win-guest-tools.exe', 'guest-agent/qemu-ga-x86_64.msi'];
}

/** What is wrong with the images of a Windows ISO for a recipe. */
function imageProblems(
  recipe: WindowsRecipe,
  images: readonly WimImage[] | undefined,
  read: (secret: SecretRef) => string,
): string[] {
  if (images === undefined)
    return ['the ISO has no sources/install.wim or install.esd: it is not installation media of Windows'];
  const wanted = imageName(recipe);
  const image = images.find(({ name }) => name === wanted);
  if (!image) {
    const names = images.map(({ name }) => name);
    return [`the ISO has no image "${wanted}"${didYouMean(wanted, names)}; it has ${names.join(', ')}`];
  }
  const { builds, genericKeys } = windowsRelease(recipe);
  const problems: string[] = [];
  if (image.build < builds.from || image.build > builds.to)
    problems.push(`the image "${wanted}" is build ${image.build}, which is not Windows ${recipe.release}`);
  if (
    image.languages.length > 0 &&
    !image.languages.some((name) => name.toLowerCase() === recipe.language.toLowerCase())
  )
    problems.push(`the image "${wanted}" has ${image.languages.join(', ')}, not the language ${recipe.language}`);
  return [...problems, ...keyProblems(recipe, image, genericKeys, read)];
}

/** Of a secret key no more can be told than that Microsoft publishes it for another edition. */
function keyProblems(
  { productKey }: WindowsRecipe,
  { name, edition }: WimImage,
  generic: Readonly<Record<string, string>>,
  read: (secret: SecretRef) => string,
): string[] {
  if (productKey === undefined) return [];
  if (productKey === 'generic') {
    return generic[edition] === undefined
      ? [`there is no generic key for the edition ${edition} of "${name}"${evaluation(edition)}`]
      : [];
  }
  const published = editionOfKey(read(productKey));
  if (published === undefined || (published.edition === edition && generic[edition] === read(productKey).toUpperCase()))
    return [];
  return [`the product key is for ${published.edition} of Windows ${published.release}, and "${name}" is ${edition}`];
}

function evaluation(edition: string): string {
  return edition.endsWith('Eval') ? ': evaluation media take no product key' : '';
}

function driverProblems(recipe: WindowsRecipe, missing: readonly string[]): string[] {
  return missing.map((path) => `the virtio ISO has no ${path}, which Windows ${recipe.release} needs`);
}
