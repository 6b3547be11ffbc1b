import type { Arg } from '../../model.ts';
import type { RecipeFiles } from '../../recipe/files.ts';
import { findFile } from '../../recipe/paths.ts';
import type { FileOf } from '../family.ts';
import { findUpload } from '../uploads.ts';
import type { Step } from './step-keys.ts';
import { shellQuote } from '../../text.ts';

/** A step with its path made absolute. */
export function resolveStep(step: Step, where: readonly PropertyKey[], files: RecipeFiles): Step {
  if (step.upload) {
    const from = findUpload(step.upload.from, [...where, 'upload', 'from'], files);
    return { ...step, upload: { ...step.upload, from } };
  }
  if (typeof step.run === 'object') {
    const script = findFile(step.run.script, files.folder, [...where, 'run', 'script'], files.report);
    return { ...step, run: { script } };
  }
  return step;
}

/** The files of the user's that a step reads. */
export function stepFiles(step: Step): string[] {
  if (step.upload) return [step.upload.from];
  return typeof step.run === 'object' ? [step.run.script] : [];
}

/** virt-customize(1) options for a step of the user's. Files are written with the mode and owner the recipe says, not the host's. */
export function stepArguments(step: Step, file: FileOf): Arg[] {
  if (step.run !== undefined) {
    return typeof step.run === 'string' ? ['--run-command', step.run] : ['--run', file(step.run.script)];
  }
  if (step.upload) {
    const { from, to, mode, owner } = step.upload;
    return [
      '--upload',
      [file(from), `:${to}`],
      ...chmod(mode, to),
      '--run-command',
      `chown -- ${owner} ${shellQuote(to)}`,
    ];
  }
  if (step.write)
    return ['--write', `${step.write.path}:${step.write.content}`, ...chmod(step.write.mode, step.write.path)];
  if (step.mkdir !== undefined) return ['--mkdir', step.mkdir];
  if (step.delete !== undefined) return ['--delete', step.delete];
  if (step.chmod) return chmod(step.chmod.mode, step.chmod.path);
  if (step.link) return ['--link', `${step.link.target}:${step.link.path}`];
  return [];
}

/** Only what the user runs may need a network, which virt-sysprep(1) is without by default. */
export function networkArguments(steps: readonly Step[]): Arg[] {
  return steps.some(({ run }) => run !== undefined) ? ['--network'] : [];
}

/** virt-customize reads a mode as decimal unless it begins with 0. */
export function chmod(mode: string, path: string): Arg[] {
  return ['--chmod', `0${mode.replace(/^0+(?=.)/, '')}:${path}`];
}
