import { placesFrom, publishAll } from '../targets/index.ts';
import { systemProperties } from '../targets/system-properties.ts';
import type { Stage } from './stage.ts';

/** Hands the finished image to every target of the recipe. */
export const upload: Stage = {
  name: 'upload',
  plan: () => ({ commands: [], keys: ['upload'] }),
  run: async (_commands, { recipe, family, host, name, rehearsal }, context) => {
    const { path, sha256, size } = context.layer('sparsify');
    const image = {
      path,
      name,
      format: recipe.output.format,
      sha256,
      size,
      build: context.build,
      rehearsal,
      description: recipe.description,
      properties: systemProperties({
        recipe,
        family: family.properties(recipe),
        osinfo: family.osinfo(recipe)[0],
        architecture: host.arch,
      }),
    };
    const to = {
      signal: context.signal,
      progress: (message: string, fraction?: number) =>
        context.emit({ type: 'progress', stage: 'upload', message, ...(fraction === undefined ? {} : { fraction }) }),
      note: (message: string) => context.emit({ type: 'warning', stage: 'upload', message }),
      work: context.work,
      exec: ({ program, args, timeout }: { program: string; args: readonly string[]; timeout: number }) =>
        context.control(program, args, { timeout }),
    };
    return publishAll(placesFrom(recipe.upload), image, to, (place) => context.emit({ type: 'published', ...place }));
  },
};
