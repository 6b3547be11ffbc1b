import { practice } from '../rehearsal/practice-media.ts';
import type { CommandContext } from '../ui/ui.ts';
import { build, type BuildOptions } from './build.ts';

/** `vmkiln rehearse`: builds against practice media, as NAME-rehearsal. Returns the exit status. */
export function rehearse(recipes: readonly string[], options: BuildOptions, context: CommandContext): Promise<number> {
  return build(recipes, options, context, practice);
}
