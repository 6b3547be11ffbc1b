import type { Arg } from '../../model.ts';
import type { Step } from './step-keys.ts';
import { sha256Of } from '../sha256.ts';
import { shellQuote } from '../../text.ts';

/** virt-customize(1) options for a step of the user's. Files are written with the mode and owner the recipe says, not the host's. */
export function stepArguments(step: Step): Arg[] {
  if (step.run !== undefined) {
    return typeof step.run === 'string' ? ['--run-command', step.run] : ['--run', localFile(step.run.script)];
  }
  if (step.upload) {
    const { from, to, mode, owner } = step.upload;
    return [
      '--upload',
      [localFile(from), `:${to}`],
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

/** virt-customize reads a mode as decimal unless it begins with 0. */
export function chmod(mode: string, path: string): Arg[] {
  return ['--chmod', `0${mode.replace(/^0+(?=.)/, '')}:${path}`];
}

function localFile(path: string): { file: string; sha256: string } {
  return { file: path, sha256: sha256Of(path) };
}
