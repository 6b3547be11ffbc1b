import { existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { missingFromIso, readWindowsMedium, type WindowsMedium } from '../../media/iso.ts';
import type { WimImage } from '../../media/wim.ts';
import type { Media, SecretRef } from '../../model.ts';
import { didYouMean } from '../../text.ts';
import { choiceOf, type ImageChoice, renderAnswers } from './answers.ts';
import type { WindowsRecipe } from './recipe.ts';
import { editionOfKey, imageName, windowsRelease } from './releases.ts';
import { driverFolders } from './views.ts';

type Read = (secret: SecretRef) => string;

/**
 * What the media lack for a recipe: Setup would stop at a dialog for each of these, half an hour into the build. Media
 * that are not there yet have nothing said of them.
 */
export async function checkMedia(recipe: WindowsRecipe, media: Media, read: Read): Promise<string[]> {
  const there = (role: string) => {
    const path = media[role]?.path;
    return path !== undefined && existsSync(path) ? path : undefined;
  };
  const [iso, virtioIso, msi] = [there('iso'), there('virtioIso'), there('cloudbaseInitMsi')];
  const medium = iso === undefined ? undefined : await readWindowsMedium(iso, asked);
  return [
    ...(medium ? [...mediumProblems(recipe, medium), ...imageProblems(recipe, medium, read)] : []),
    ...(virtioIso === undefined ? [] : driverProblems(recipe, await missingFromIso(virtioIso, needed(recipe)))),
    ...(msi === undefined || (await isMsi(msi)) ? [] : [`${msi} is no MSI, but something else under its name`]),
  ];
}

const bootWim = 'sources/boot.wim';
/** At the root of a medium that can only be read, Setup may take either ("Windows Setup Automation Overview"). */
const answerFiles = ['Autounattend.xml', 'Unattend.xml'];
/** Any of them is what firmware starts, as a file or as the boot image of the ISO. */
const loaders = ['efi/boot/bootx64.efi', 'efi/microsoft/boot/efisys.bin', 'efi/microsoft/boot/cdboot.efi'];

/** What media for two architectures have in place of `sources`. */
const halves = ['x64/sources', 'x86/sources'];

const asked = [bootWim, ...answerFiles, ...loaders, ...halves];

function needed(recipe: WindowsRecipe): string[] {
  const drivers = driverFolders(recipe).map((folder) => `${folder}/*.inf`);
  return [...drivers, 'virtio-win-guest-tools.exe', 'guest-agent/qemu-ga-x86_64.msi'];
}

/** An MSI is a compound file, by its first eight bytes (MS-CFB, 2.2). What a server says of an error is none. */
async function isMsi(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { buffer } = await file.read(Buffer.alloc(8), 0, 8, 0);
    return buffer.toString('hex') === 'd0cf11e0a1b11ae1';
  } finally {
    await file.close();
  }
}

/** What is wrong with an ISO besides its images. One without images is no medium of Windows, which is said of it already. */
function mediumProblems({ machine }: WindowsRecipe, { images, has }: WindowsMedium): string[] {
  if (images === undefined) return [];
  return [
    ...(has.has(bootWim) ? [] : [`the ISO has no ${bootWim}, from which Setup starts`]),
    ...(machine.firmware === 'bios' || loaders.some((file) => has.has(file))
      ? []
      : [`the ISO has none of ${loaders.join(', ')}: UEFI firmware cannot start it`]),
    ...answerFiles
      .filter((file) => has.has(file))
      .map(
        (file) => `the ISO has an ${file} of its own, which Setup may take instead of that of the recipe: take it out`,
      ),
  ];
}

/** What is wrong with the images of a Windows ISO for a recipe. */
function imageProblems(recipe: WindowsRecipe, { images, has }: WindowsMedium, read: Read): string[] {
  if (images === undefined && halves.some((half) => has.has(half)))
    return ['the ISO is of media for two architectures: expected one for 64 bits alone, with its images in sources'];
  if (images === undefined)
    return ['the ISO has no sources/install.wim, install.esd or install.swm: it is not installation media of Windows'];
  const { image: named, languages, keys, activation } = choiceOf(renderAnswers(recipe));
  const chosen = chooseImage(named ?? { by: 'name', value: imageName(recipe) }, images);
  if (typeof chosen === 'string') return [chosen];
  const { builds } = windowsRelease(recipe);
  const shown = `the image "${chosen.name}"`;
  const problems: string[] = [];
  if (chosen.architecture !== undefined && chosen.architecture !== 'amd64')
    problems.push(`${shown} is of ${chosen.architecture}, and the machine of amd64`);
  if (chosen.build < builds.from || chosen.build > builds.to)
    problems.push(
      `${shown} is build ${chosen.build}, and Windows ${recipe.release} is ${[...new Set([builds.from, builds.to])].join(' to ')}`,
    );
  const absent = [...new Set([recipe.language, ...languages])].filter(
    (wanted) => !chosen.languages.some((name) => name.toLowerCase() === wanted.toLowerCase()),
  );
  if (chosen.languages.length > 0 && absent.length > 0)
    problems.push(`${shown} has ${chosen.languages.join(', ')}, not the language ${absent.join(', ')}`);
  // Only the media of consumers have the edition Core, and they ask which edition the key is for. Beside an answer file Setup
  // ignores EI.cfg and PID.txt ("Windows Setup Edition Configuration and Product ID Files (EI.cfg and PID.txt)").
  if (keys.length === 0 && images.some(({ edition }) => edition.startsWith('Core')))
    problems.push('the ISO is of the media for consumers, which ask for a product key: `productKey: generic` answers');
  const own =
    recipe.productKey === undefined
      ? [...new Set([...keys, ...activation])].flatMap((key) => ownKeyProblem(key, chosen))
      : [];
  return [...problems, ...keyProblems(recipe, chosen, read), ...own];
}

/** The image that is meant, or what is wrong with the way in which it is named. */
function chooseImage({ by, value }: ImageChoice, images: readonly WimImage[]): WimImage | string {
  const found = images.filter((image) => String(image[by]) === value);
  const [first] = found;
  if (first && found.length === 1) return first;
  const names = images.map(({ name }) => name);
  if (images.length === 0) return 'the ISO has a file of images without an image in it';
  if (first) {
    const indexes = found.map(({ index }) => index).join(' and ');
    return `the ISO has the image "${value}" ${found.length} times, as ${indexes}: an answer file can name one by /IMAGE/INDEX`;
  }
  if (by === 'index') return `the ISO has no image ${value}; it has ${images.length}: ${names.join(', ')}`;
  const other = images.find(({ displayName }) => displayName === value);
  if (other) return `the ISO has no image of the NAME "${value}", by which Setup goes: that one is "${other.name}"`;
  return `the ISO has no image "${value}"${didYouMean(value, names)}; it has ${names.join(', ')}`;
}

/** Of a secret key no more can be told than that Microsoft publishes it for another edition. */
function keyProblems(recipe: WindowsRecipe, { name, edition }: WimImage, read: Read): string[] {
  const { productKey } = recipe;
  const { genericKeys: generic } = windowsRelease(recipe);
  if (productKey === undefined) return [];
  if (productKey === 'generic') {
    return generic[edition] === undefined
      ? [`there is no generic key for the edition ${edition} of "${name}"${evaluation(edition)}`]
      : [];
  }
  if (edition.endsWith('Eval')) return [`"${name}" is ${edition}${evaluation(edition)}`];
  const published = editionOfKey(read(productKey));
  if (published === undefined || (published.edition === edition && generic[edition] === read(productKey).toUpperCase()))
    return [];
  return [
    `the product key is for ${published.edition} of Windows ${published.releases.join(' and ')}, and "${name}" is ${edition}`,
  ];
}

/** A key in an answer file of the user's: no more is told of it than the edition that Microsoft publishes it for. */
function ownKeyProblem(key: string, { name, edition }: WimImage): string[] {
  if (edition.endsWith('Eval'))
    return [`the answer file has a product key, and "${name}" is ${edition}${evaluation(edition)}`];
  const published = editionOfKey(key)?.edition;
  if (published === undefined || published === edition) return [];
  return [`the product key of the answer file is for ${published}, and "${name}" is ${edition}`];
}

function evaluation(edition: string): string {
  return edition.endsWith('Eval') ? ': evaluation media take no product key' : '';
}

function driverProblems(recipe: WindowsRecipe, missing: readonly string[]): string[] {
  return missing.map((path) => `the virtio ISO has no ${path}, which Windows ${recipe.release} needs`);
}
