import type { WindowsRecipe } from './recipe.ts';

/** What differs between the releases of Windows. */
type WindowsRelease = {
  /** osinfo short ids, best first. */
  osinfo: readonly string[];
  /** The folder of this release below each driver of virtio-win. */
  drivers: string;
  /** Name of the image that is installed when the recipe names none. */
  image: string;
  /** Builds of this release: an image of another one is another Windows. */
  builds: { from: number; to: number };
  /** Whether it is a server: client editions differ in their accounts. */
  isServer: boolean;
  /** Whether Setup refuses a machine without UEFI and TPM 2.0. */
  needsTpm: boolean;
  /** KMS client keys that Microsoft publishes, by edition ("KMS client activation and product keys"). */
  genericKeys: Readonly<Record<string, string>>;
};

const clientKeys = {
  Professional: 'W269N-WFGWX-YVC9B-4J6C9-T83GX',
  ProfessionalN: 'MH37W-N47XK-V7XM9-C7227-GCQG9',
  Education: 'NW6C2-QMPVW-D7KKK-3GKT6-VCFB2',
  Enterprise: 'NPPR9-FWDCX-D2C8J-H872K-2YT43',
};

const releases: Record<WindowsRecipe['release'], WindowsRelease> = {
  '2019': {
    osinfo: ['win2k19', 'win2k16'],
    drivers: '2k19',
    image: 'Windows Server 2019 SERVERSTANDARD',
    builds: { from: 17763, to: 17763 },
    isServer: true,
    needsTpm: false,
    genericKeys: {
      ServerStandard: 'N69G4-B89J2-4G8F4-WWYCC-J464C',
      ServerDatacenter: 'WMDGN-G9PQG-XVVXX-R3X43-63DFG',
    },
  },
  '2022': {
    osinfo: ['win2k22', 'win2k19', 'win2k16'],
    drivers: '2k22',
    image: 'Windows Server 2022 SERVERSTANDARD',
    builds: { from: 20348, to: 20348 },
    isServer: true,
    needsTpm: false,
    genericKeys: {
      ServerStandard: 'VDYBN-27WPP-V4HQT-9VMD4-VMK7H',
      ServerDatacenter: 'WX4NM-KYWYW-QJJR4-XV3QB-6VM33',
    },
  },
  '2025': {
    osinfo: ['win2k25', 'win2k22', 'win2k19', 'win2k16'],
    drivers: '2k25',
    image: 'Windows Server 2025 SERVERSTANDARD',
    builds: { from: 26100, to: 26199 },
    isServer: true,
    needsTpm: false,
    genericKeys: {
      ServerStandard: 'TVRH6-WHNXV-R9WG3-9XRFY-MY832',
      ServerDatacenter: 'D764K-2NDRG-47T6Q-P8T8W-YP6DF',
    },
  },
  '11': {
    osinfo: ['win11', 'win10'],
    drivers: 'w11',
    image: 'Windows 11 Pro',
    builds: { from: 22000, to: 29999 },
    isServer: false,
    needsTpm: true,
    genericKeys: clientKeys,
  },
};

/** The data of a recipe's release. */
export function windowsRelease({ release }: Pick<WindowsRecipe, 'release'>): WindowsRelease {
  return releases[release];
}

/**
 * Name of the image that a recipe installs. `/IMAGE/NAME` of an answer file is the NAME of an image (kitknox/winode#10), and people
 * see the DISPLAYNAME: Microsoft's server media have the same of both, by which one follows from the other.
 */
export function imageName(recipe: WindowsRecipe): string {
  const name = recipe.install.image ?? windowsRelease(recipe).image;
  const shown = /^(Windows Server \d+) (Standard|Datacenter)(?: Evaluation)?( \(Desktop Experience\))?$/i.exec(name);
  if (!shown) return name;
  const [, product, edition = '', desktop] = shown;
  return `${product} SERVER${edition.toUpperCase()}${desktop === undefined ? 'CORE' : ''}`;
}

/** Every key that Microsoft publishes for one of the releases. */
export const genericKeys: readonly string[] = Object.values(releases).flatMap((each) =>
  Object.values(each.genericKeys),
);

/** The edition that a published key is for, whatever the release; undefined for a key that nobody published. */
export function editionOfKey(key: string): { release: string; edition: string } | undefined {
  for (const [release, { genericKeys: keys }] of Object.entries(releases)) {
    const edition = Object.entries(keys).find(([, generic]) => generic === key.toUpperCase())?.[0];
    if (edition !== undefined) return { release, edition };
  }
  return undefined;
}

/** Edition by the name of an image, as Microsoft's media name them: the edition decides which key fits. */
export function editionOfImage(name: string): string | undefined {
  return editionNames.find(([pattern]) => pattern.test(name))?.[1];
}

const editionNames: readonly (readonly [RegExp, string])[] = [
  [/SERVERSTANDARD(CORE)?$|Server \d+ Standard/i, 'ServerStandard'],
  [/SERVERDATACENTER(CORE)?$|Server \d+ Datacenter/i, 'ServerDatacenter'],
  [/Windows \d+ Pro N$/, 'ProfessionalN'],
  [/Windows \d+ Pro$/, 'Professional'],
  [/Windows \d+ Education$/, 'Education'],
  [/Windows \d+ Enterprise$/, 'Enterprise'],
];
