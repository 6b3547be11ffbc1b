import type { Published } from '../model.ts';
import { targets } from '../targets/index.ts';
import type { Stage } from './stage.ts';

/** Hands the finished image to every target of the recipe. */
export const upload: Stage = {
  name: 'upload',
  plan: () => ({ commands: [], keys: ['upload'] }),
  run: async (_commands, { recipe, name, rehearsal }, context) => {
    const { path, sha256, size } = context.layer('sparsify');
    const image = { path, name, format: recipe.output.format, sha256, size, build: context.build, rehearsal };
    const to = {
      signal: context.signal,
      progress: (message: string, fraction?: number) =>
        context.emit({ type: 'progress', stage: 'upload', message, ...(fraction === undefined ? {} : { fraction }) }),
      exec: ({ program, args, timeout }: { program: string; args: readonly string[]; timeout: number }) =>
        context.control(program, args, { timeout }),
    };
    const published: Published[] = [];
    for (const { directory } of recipe.upload) {
      const place = await targets.directory.publish(image, directory, to);
      context.emit({ type: 'published', ...place });
      published.push(place);
    }
    return published;
  },
};
