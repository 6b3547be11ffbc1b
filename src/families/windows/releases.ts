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
  /** KMS client keys that Microsoft publishes, by edition ("KMS client activation and product keys" of the Windows Server documentation). */
  genericKeys: Readonly<Record<string, string>>;
};

/**
 * Of Windows 10 and 11, by the EditionID that their media give (`WINDOWS/EDITIONID` of an image). EnterpriseS is what LTSC calls
 * itself: its key is that of 2019, 2021 and 2024, not of LTSB 2016, whose builds are refused.
 */
const clientKeys = {
  Professional: 'W269N-WFGWX-YVC9B-4J6C9-T83GX',
  ProfessionalN: 'MH37W-N47XK-V7XM9-C7227-GCQG9',
  ProfessionalWorkstation: 'NRG8B-VKK3Q-CXVCJ-9G2XF-6Q84J',
  ProfessionalWorkstationN: '9FNHH-K3HBT-3W4TD-6383H-6XYWF',
  ProfessionalEducation: '6TP4R-GNPTD-KYYHQ-7B7DP-J447Y',
  ProfessionalEducationN: 'YVWGF-BXNMC-HTQYQ-CPQ99-66QFC',
  Education: 'NW6C2-QMPVW-D7KKK-3GKT6-VCFB2',
  EducationN: '2WH4N-8QGBV-H22JP-CT43Q-MDWWJ',
  Enterprise: 'NPPR9-FWDCX-D2C8J-H872K-2YT43',
  EnterpriseN: 'DPH2V-TTNVB-4X9Q3-TJR4H-KHJW4',
  EnterpriseS: 'M7XTQ-FN8P6-TTKYV-9D4CC-J462D',
  EnterpriseSN: '92NFX-8DJQP-P6BBQ-THF9C-7CG2H',
};

const releases: Record<WindowsRecipe['release'], WindowsRelease> = {
  '2016': {
    osinfo: ['win2k16'],
    drivers: '2k16',
    image: 'Windows Server 2016 SERVERSTANDARD',
    builds: { from: 14393, to: 14393 },
    isServer: true,
    needsTpm: false,
    genericKeys: {
      ServerStandard: 'WC2BQ-8NRM3-FDDYY-2BFGV-KHKQY',
      ServerDatacenter: 'CB7KF-BWN84-R7R2Y-793K2-8XDDG',
    },
  },
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
  '10': {
    osinfo: ['win10'],
    drivers: 'w10',
    image: 'Windows 10 Pro',
    builds: { from: 17763, to: 19999 },
    isServer: false,
    needsTpm: false,
    genericKeys: clientKeys,
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

/** The edition that a published key is for, and the releases that have it; undefined for a key that nobody published. */
export function editionOfKey(key: string): { releases: readonly string[]; edition: string } | undefined {
  const found = Object.entries(releases).flatMap(([release, { genericKeys: keys }]) =>
    Object.entries(keys).flatMap(([edition, generic]) => (generic === key.toUpperCase() ? [{ release, edition }] : [])),
  );
  const [first] = found;
  return first && { releases: found.map(({ release }) => release), edition: first.edition };
}

/** Edition by the name of an image, as Microsoft's media name them: the edition decides which key fits. */
export function editionOfImage(name: string): string | undefined {
  return editionNames.find(([pattern]) => pattern.test(name))?.[1];
}

const editionNames: readonly (readonly [RegExp, string])[] = [
  [/SERVERSTANDARD(CORE)?$|Server \d+ Standard/i, 'ServerStandard'],
  [/SERVERDATACENTER(CORE)?$|Server \d+ Datacenter/i, 'ServerDatacenter'],
  ...Object.entries({
    Home: 'Core',
    Pro: 'Professional',
    'Pro for Workstations': 'ProfessionalWorkstation',
    'Pro Education': 'ProfessionalEducation',
    Education: 'Education',
    Enterprise: 'Enterprise',
    // People and some media say the year.
    'Enterprise LTSC(?: \\d{4})?': 'EnterpriseS',
  }).flatMap(([shown, edition]) => [
    [new RegExp(`Windows \\d+ ${shown}$`), edition] as const,
    [new RegExp(`Windows \\d+ (${shown} N|${shown.replace(/ (?=for|LTSC)/, ' N ')})$`), `${edition}N`] as const,
  ]),
];
