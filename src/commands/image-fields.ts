import { VmkilnError } from '../errors.ts';
import { osProperties } from '../images/system-properties.ts';
import { isOwnField } from '../openstack/own-fields.ts';

/** The options of `withFields` in image-program.ts. */
export type FieldOptions = {
  architecture?: string;
  osName?: string;
  osDistro?: string;
  osVersion?: string;
  kernelId?: string;
  ramdiskId?: string;
  minDisk?: number;
  minRam?: number;
  property?: string[];
  tag?: string[];
  visibility?: string;
  public?: true;
  private?: true;
  community?: true;
  shared?: true;
  protected?: true;
  unprotected?: true;
};

/** KEY=VALUE words as a map. @throws VmkilnError USAGE */
export function keyValues(words: readonly string[] = [], option = '--property'): Record<string, string> {
  return Object.fromEntries(
    words.map((word) => {
      const at = word.indexOf('=');
      if (at > 0) return [word.slice(0, at), word.slice(at + 1)];
      throw new VmkilnError('USAGE', `${option} expects KEY=VALUE, got ${word}`, {
        hint: `write ${option} ${word}=VALUE`,
      });
    }),
  );
}

/** The options that say what the service keeps in fields of its own. */
const optionsOf: Readonly<Record<string, string>> = {
  name: '--name',
  id: '--id, when it is uploaded',
  disk_format: '--disk-format',
  container_format: '--container-format of `vmkiln image set`; an upload takes that of its disk format',
  min_disk: '--min-disk',
  min_ram: '--min-ram',
  tags: '--tag',
  owner: '--project',
  visibility: '--visibility, or --public and the like',
  protected: '--protected or --unprotected',
  os_hidden: '--hidden',
};

/** @throws VmkilnError USAGE for a property that is a field of the service: it would change, or be refused, behind the option */
export function refuseOwnFields(names: readonly string[], option: string): void {
  const own = names.find(isOwnField);
  if (own === undefined) return;
  const other = optionsOf[own];
  throw new VmkilnError('USAGE', `${option} ${own}: this is a field of the service, and no property`, {
    hint: other ? `use ${other}` : 'leave it out: the service says it by itself',
  });
}

/** The one of several switches that is on. @throws VmkilnError USAGE for more than one */
export function oneOf<T extends string>(options: Partial<Record<T, unknown>>, names: readonly T[]): T | undefined {
  const on = names.filter((name) => options[name] === true);
  if (on.length > 1) {
    throw new VmkilnError('USAGE', `${on.map((name) => `--${name}`).join(' and ')} cannot be used together`, {
      hint: 'give one of them',
    });
  }
  return on[0];
}

/** Who is to see an image. @throws VmkilnError USAGE for two answers */
export function visibilityOf(
  options: Pick<FieldOptions, 'public' | 'private' | 'community' | 'shared' | 'visibility'>,
): string | undefined {
  const which = oneOf(options, ['public', 'private', 'community', 'shared']);
  const { visibility } = options;
  if (which === undefined || visibility === undefined || which === visibility) return which ?? visibility;
  throw new VmkilnError('USAGE', `--${which} and --visibility ${visibility} cannot be used together`, {
    hint: 'give one of them',
  });
}

export function protectionOf(options: FieldOptions): boolean | undefined {
  const which = oneOf(options, ['protected', 'unprotected']);
  return which === undefined ? undefined : which === 'protected';
}

/** Whether an image is hidden. @throws VmkilnError USAGE for both */
export function hiddenOf(options: { hidden?: true; unhidden?: true }): boolean | undefined {
  const which = oneOf(options, ['hidden', 'unhidden']);
  return which === undefined ? undefined : which === 'hidden';
}

/** Properties that have an option of their own, and those given with `--property`. @throws VmkilnError USAGE */
export function propertiesFrom(options: FieldOptions): Record<string, string> {
  const { osName, osDistro, osVersion, architecture, kernelId, ramdiskId } = options;
  const given = keyValues(options.property);
  refuseOwnFields(Object.keys(given), '--property');
  return {
    ...(osName !== undefined && osProperties(osName)),
    ...(osDistro !== undefined && { os_distro: osDistro }),
    ...(osVersion !== undefined && { os_version: osVersion }),
    ...(architecture !== undefined && { architecture }),
    ...(kernelId !== undefined && { kernel_id: kernelId }),
    ...(ramdiskId !== undefined && { ramdisk_id: ramdiskId }),
    ...given,
  };
}
