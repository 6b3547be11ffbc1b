import { fieldOf, type Image, type Patch } from '../../openstack/image-api.ts';
import { isSerialProperty } from './fence.ts';
import type { Wanted } from './record.ts';
import type { Step } from './step.ts';

/** The steps as a diff for people: `+` appears, `~` changes, `-` goes, `=` stays. */
export function describeSteps(wanted: Wanted, steps: readonly Step[]): string[] {
  const lines = steps.flatMap((step) => describeStep(wanted, step, steps));
  const attached = steps.flatMap((step) => (step.do === 'attach' ? [attachLine(step.image)] : []));
  if (lines.length > 0) return [...lines, ...attached];
  return [`= image ${wanted.name} is there with the same content and properties`, ...attached];
}

function attachLine({ id }: Image): string {
  return `~   img_signature of ${id}: nothing → a signature`;
}

function describeStep(wanted: Wanted, step: Step, steps: readonly Step[]): string[] {
  const named = ({ id, created_at: at }: Image) => `${wanted.name} ${id} (of ${at.slice(0, 10)})`;
  switch (step.do) {
    // What is done with the file is said of the image that it becomes; the rest is said elsewhere.
    case 'convert':
    case 'compare':
    case 'sign':
    case 'attach':
    case 'refuse':
      return [];
    case 'create':
      return [`+ image ${wanted.name}, ${wayOf(step, steps)}`, ...fieldLines(wanted)];
    case 'resume':
      return [`~ finish ${named(step.image)}: its data is complete, and it is not published yet`];
    case 'discard':
      return [`- delete ${named(step.image)}: ${step.because}`];
    case 'publish':
    case 'update': {
      // That the serial rises goes without saying.
      const patches = step.patches.filter((patch) => {
        const name = fieldOf(patch);
        return !isSerialProperty(name) && JSON.stringify(step.image[name]) !== JSON.stringify(patch.value);
      });
      const lines = patches.map((patch) => `~   ${patchLine(step.image, patch)}`);
      return lines.length > 0 ? [`~ change ${named(step.image)}`, ...lines] : [];
    }
    case 'leave':
      return [`= ${named(step.image)} is published already under this serial`];
    case 'hide':
    case 'yield':
      return [`~ hide ${named(step.image)}`];
    case 'delete':
      return [`- delete ${named(step.image)}`];
    case 'keep':
      return [`= keep ${named(step.image)}, hidden: ${step.because}`];
  }
}

/** How a new image gets there, and what is done with the file before. */
function wayOf({ method }: Extract<Step, { do: 'create' }>, steps: readonly Step[]): string {
  const way = method === 'put' ? 'uploaded directly' : `by ${method}`;
  const more = steps.flatMap((step) => {
    if (step.do === 'convert') return [`converted here from ${step.from}`];
    return step.do === 'sign' ? ['signed'] : [];
  });
  return [way, ...more].join(', ');
}

function fieldLines({ properties, follows, ...fields }: Wanted): string[] {
  const min_disk = fields.min_disk ?? follows?.minDisk;
  const all = { ...fields, min_disk, ...follows?.properties, ...properties };
  return Object.entries(all).flatMap(([name, value]) => {
    if (value === undefined || ['name', 'serial'].includes(name) || (name === 'hidden' && value === false)) return [];
    const text = Array.isArray(value) ? value.join(', ') : String(value);
    return [`+   ${name} = ${text.length > 80 ? `${text.slice(0, 79)}…` : text}`];
  });
}

function patchLine(image: Image, patch: Patch): string {
  const name = fieldOf(patch);
  const before = image[name] === undefined ? 'nothing' : JSON.stringify(image[name]);
  return `${name}: ${before} → ${patch.op === 'remove' ? 'nothing' : JSON.stringify(patch.value)}`;
}
