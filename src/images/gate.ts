import { VmkilnError } from '../errors.ts';
import { type DiskFormat, mayBePacked, suffixFormat, wayTo } from './disk-format.ts';
import { type ImageFile, withImage } from './file.ts';
import { isHarmful } from './header.ts';
import { type Inspection, inspectImage, type InspectOptions } from './inspect.ts';
import { printable } from './text.ts';

/** On what terms an image is taken. */
export type Terms = {
  /** What it has to be; by default it may be anything that becomes what is wanted. */
  is?: DiskFormat;
  /** Whether its name says nothing: vmkiln gave it, or somebody has looked at that already. */
  anyName?: boolean;
  /** The disk formats that it is to have, one for each place it goes to; undefined for the one that it has. */
  wanted?: readonly (string | undefined)[];
  /** Takes an image that is unfit. False says that somebody could: the hint names the option. */
  allowUnfit?: boolean;
  /** Takes one that needs other files, in the same way. */
  allowExternal?: boolean;
  /** Whether it is not kept as it is: what only the Image service refuses is then no fault. */
  remade?: boolean;
};

/** Why an image is not taken, and what would help. */
type Refusal = { message: string; hint: string };

/**
 * The one way to an image from outside: whatever is converted, uploaded, published or started from is inspected here first,
 * and refused when it is not whole without other files, damaged, empty, packed, or not what its name or the user says.
 *
 * What was inspected is what `use` gets, open, and has read when this returns.
 *
 * @throws VmkilnError IMAGE_UNFIT, INPUT_CHANGED; USAGE when there is no such file; what `use` throws.
 */
export async function withFitImage<T>(
  image: string,
  terms: Terms,
  options: InspectOptions,
  use: (file: ImageFile, found: Inspection) => Promise<T>,
): Promise<T> {
  return withImage(image, async (file) => {
    const found = await inspectImage(file, options);
    const refusal = refusalOf(image, found, terms);
    if (refusal) throw new VmkilnError('IMAGE_UNFIT', `${image} ${refusal.message}`, { hint: refusal.hint });
    return use(file, found);
  });
}

/** Why an image, `image` being its path as it was given, is not taken on these terms. Pure. */
export function refusalOf(image: string, found: Inspection, terms: Terms): Refusal | undefined {
  const { allowUnfit, allowExternal } = terms;
  // What is unfit is sent as it is; following the files that it names is another matter.
  const asks = allowExternal === undefined ? !allowUnfit : !allowExternal;
  const { references } = found;
  if (references.length > 0 && asks) return needsOthers(image, found, allowExternal !== undefined);
  const fault = allowUnfit ? undefined : faultOf(image, found, terms);
  if (fault === undefined || allowUnfit === undefined) return fault;
  return { ...fault, hint: `${fault.hint}; --allow-unfit takes it all the same` };
}

function needsOthers(image: string, { references }: Inspection, isOption: boolean): Refusal {
  const named = references.map(({ kind, name }) => `${kind} ${JSON.stringify(name)}`);
  const how = isOption ? 'add --allow-external' : `vmkiln convert ${image} --to qcow2 --allow-external`;
  return {
    message: `needs other files: ${named.join(', ')}`,
    hint: `an image from elsewhere may name any file of this host; if you trust it: ${how}`,
  };
}

/** The faults that explain the others come first: what is empty is no qcow2 either. */
function faultOf(
  image: string,
  { format, subformat, findings, details }: Inspection,
  terms: Terms,
): Refusal | undefined {
  const { is, anyName, wanted = [is], remade = false } = terms;
  const name = suffixFormat(image);
  const packable = wanted.every((each) => mayBePacked(each ?? name));
  // A kernel that nothing is known of looks like a raw disk, and consists of no sectors, or like a program.
  const errors = findings
    .filter((finding) => (remade ? isHarmful(finding) : finding.level === 'error'))
    .filter(
      ({ code }) => !(packable && (format === 'raw' ? code === 'size' : isProgram(subformat) && code === 'format')),
    );
  const hint = `vmkiln inspect ${image} shows all that was found`;
  const nothing = errors.find(({ code }) => ['empty', 'text', 'format'].includes(code));
  if (nothing) return { message: `is unfit: ${nothing.message}`, hint };
  if (format === 'compressed' && !packable) {
    return {
      message: `is packed with ${printable(String(subformat))}`,
      hint: 'unpack it first; of a kernel or a RAM disk say --disk-format aki or ari',
    };
  }
  if (is !== undefined && wayTo(is, format) !== 'as it is') return { message: `is not ${is}, but ${format}`, hint };
  const wrong = (anyName ? undefined : findings.find(({ code }) => code === 'name')) ?? errors[0];
  if (wrong) return { message: `is unfit: ${wrong.message}`, hint };
  const isEncrypted = findings.some(({ code }) => code === 'encrypted');
  if (remade && isEncrypted && format === 'qcow2' && details['encryption'] !== 'none') {
    return {
      message: 'is encrypted: nothing can be made of it',
      hint: 'decrypt it first, where its key is: qemu-img convert',
    };
  }
  const impossible = wanted.find((each) => each !== undefined && wayTo(each, format) === undefined);
  if (impossible === undefined) return undefined;
  return {
    message: `is ${format}, and cannot become ${impossible}`,
    hint: 'disks are converted to raw, qcow2, vmdk, vdi, vhd and vhdx; everything else has to be what it is called',
  };
}

/** Kernels of some architectures are programs by their form (see `parseArchive`). */
function isProgram(subformat: string | undefined): boolean {
  return subformat === 'elf' || subformat === 'pe';
}
