import { VmkilnError } from '../errors.ts';
import { osProperties } from '../images/system-properties.ts';

/** The options of `withFields` in image-program.ts. */
export type FieldOptions = {
  architecture?: string;
  osName?: string;
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

/** The one of several switches that is on. @throws VmkilnError USAGE for more than one */
function oneOf(options: FieldOptions, names: readonly (keyof FieldOptions)[]): string | undefined {
  const on = names.filter((name) => options[name] === true);
  if (on.length > 1) {
    throw new VmkilnError('USAGE', `${on.map((name) => `--${name}`).join(' and ')} cannot be used together`, {
      hint: 'give one of them',
    });
  }
  return on[0];
}

export function visibilityOf(options: FieldOptions): string | undefined {
  return oneOf(options, ['public', 'private', 'community', 'shared']) ?? options.visibility;
}

export function protectionOf(options: FieldOptions): boolean | undefined {
  const which = oneOf(options, ['protected', 'unprotected']);
  return which === undefined ? undefined : which === 'protected';
}

/** Properties that have an option of their own, and those given with `--property`. */
export function propertiesFrom(options: FieldOptions): Record<string, string> {
  const { osName, architecture, kernelId, ramdiskId } = options;
  return {
    ...(osName !== undefined && osProperties(osName)),
    ...(architecture !== undefined && { architecture }),
    ...(kernelId !== undefined && { kernel_id: kernelId }),
    ...(ramdiskId !== undefined && { ramdisk_id: ramdiskId }),
    ...keyValues(options.property),
  };
}
