import type { Arg } from '../../model.ts';
import type { RecipeFiles } from '../../recipe/files.ts';
import type { FileOf } from '../family.ts';
import { findUpload } from '../uploads.ts';
import type { WindowsStep } from './step-keys.ts';

const localScripts = '/Program Files/Cloudbase Solutions/Cloudbase-Init/LocalScripts';

/** A step with its path made absolute. */
export function resolveStep(step: WindowsStep, where: readonly PropertyKey[], files: RecipeFiles): WindowsStep {
  const find = (path: string, ...at: string[]) => findUpload(path, [...where, ...at], files);
  if (step.upload) return { upload: { ...step.upload, from: find(step.upload.from, 'upload', 'from') } };
  if (step.firstboot) return { firstboot: { script: find(step.firstboot.script, 'firstboot', 'script') } };
  return step;
}

/** The files of the user's that a step reads. */
export function stepFiles({ upload, firstboot }: WindowsStep): string[] {
  return [upload?.from, firstboot?.script].filter((path) => path !== undefined);
}

/**
 * virt-customize(1) options for a step of the user's. Windows has no owner and mode for it to set, and nothing of the guest
 * can run in the Linux appliance.
 */
export function stepArguments(step: WindowsStep, index: number, file: FileOf): Arg[] {
  if (step.upload) return ['--upload', [file(step.upload.from), `:${step.upload.to}`]];
  if (step.write) return ['--write', `${step.write.path}:${step.write.content}`];
  if (step.mkdir !== undefined) return ['--mkdir', step.mkdir];
  if (step.delete !== undefined) return ['--delete', step.delete];
  if (step.firstboot) {
    const { script } = step.firstboot;
    // Cloudbase-Init runs them by name: the number keeps the order of the recipe.
    const name = `${String(index + 1).padStart(3, '0')}${script.slice(script.lastIndexOf('.')).toLowerCase()}`;
    return ['--mkdir', localScripts, '--upload', [file(script), `:${localScripts}/${name}`]];
  }
  return [];
}
