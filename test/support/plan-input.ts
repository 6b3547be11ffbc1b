import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type FileOf, fileOf } from '../../src/families/family.ts';
import { familyOf } from '../../src/families/index.ts';
import type { Host, Media } from '../../src/model.ts';
import type { PlanInput } from '../../src/pipeline/plan.ts';
import type { Recipe } from '../../src/recipe/recipe.ts';

/** A host without KVM, as the probe describes it. */
export const host: Host = {
  arch: 'x86_64',
  accelerator: 'tcg',
  acceleratorReason: 'there is no /dev/kvm',
  connect: 'qemu:///system',
  network: { kind: 'user' },
  osinfo: ['rhel7.0', 'rhel7.9'],
  cores: 2,
  memory: 8 * 1024 ** 3,
  appliance: { memory: 1280 * 1024 ** 2, cacheDir: '/var/tmp' },
  versions: { qemu: '7.2', libvirt: '9.0', 'virt-install': '4.1', 'guestfs-tools': '1.48', kernel: '6.1' },
};

export const media: Media = {
  iso: { source: '/iso/rhel.iso', path: '/iso/rhel.iso', sha256: 'a'.repeat(64), size: 1 },
};

/** The files that a recipe's commands read, by their digests. */
function digestsOf(recipe: Recipe): Map<string, string> {
  const digest = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');
  return new Map(
    familyOf(recipe)
      .files(recipe)
      .map((path) => [path, digest(path)]),
  );
}

/** The files of a recipe as its commands read them. */
export function filesOf(recipe: Recipe): FileOf {
  return fileOf(digestsOf(recipe));
}

/** The input of a plan for a recipe on a quiet day: nothing built before, nothing in the store. */
export function planInput(recipe: Recipe, more: Partial<PlanInput> = {}): PlanInput {
  const family = familyOf(recipe);
  return {
    vmkiln: '0.0.0',
    recipeFile: { path: '/recipes/x.yaml', sha256: 'e'.repeat(64) },
    recipe,
    family,
    installer: family.installer,
    host,
    media,
    rendered: more.rendered ?? family.render(recipe),
    files: more.files ?? digestsOf(recipe),
    macs: {},
    name: recipe.name,
    rehearsal: false,
    notes: [],
    existing: new Map(),
    now: Date.parse('2026-01-02T00:00:00Z'),
    previous: undefined,
    predictions: {},
    room: { folder: '/work', free: Number.POSITIVE_INFINITY },
    from: undefined,
    until: undefined,
    cache: true,
    ...more,
  };
}
