import type { Arg, Command, Piece } from '../model.ts';

/** A CD with these files in its root (Joliet names), for an installer to find; `label` is its volume name. */
export function answerMedium(path: Arg, label: string, files: Readonly<Record<string, Piece>>): Command {
  return {
    program: 'xorriso',
    args: [
      ...['-as', 'mkisofs', '-quiet', '-V', label, '-J', '-r', '-o', path, '-graft-points'],
      ...Object.entries(files).map(([name, file]): Arg => [`${name}=`, file]),
    ],
    timeout: 300,
  };
}
