import { resolve } from 'node:path';
import type { Command } from 'commander';
import { z } from 'zod';
import { loadDocument } from '../recipe/load.ts';
import { hostPath } from '../recipe/values.ts';
import { uiKinds } from '../ui/kinds.ts';
import { onErrorKinds } from './recipe-options.ts';

/** The options that can be set for all builds. Paths count from the folder of the file. */
const schema = z.strictObject({
  connect: z.string().min(1).optional(),
  jobs: z.int().min(1).max(9999).optional(),
  onError: z.enum(onErrorKinds).optional(),
  out: hostPath().optional(),
  ui: z.enum(uiKinds).optional(),
  vars: hostPath().optional(),
});

type Config = z.infer<typeof schema>;

const kind = {
  noun: 'configuration',
  code: 'USAGE',
  schema,
  resolve: (config: Config, { folder }: { folder: string }): Config => ({
    ...config,
    ...(config.out !== undefined && { out: resolve(folder, config.out) }),
    ...(config.vars !== undefined && { vars: resolve(folder, config.vars) }),
  }),
} as const;

/**
 * Gives a command the options that the files set, the last one first, as far as neither the command line nor the environment has
 * set them.
 *
 * @throws VmkilnError USAGE with the position of each mistake.
 */
export async function applyConfig(command: Command, files: readonly string[]): Promise<void> {
  const configs = await Promise.all(files.map(async (file) => (await loadDocument(kind, file, {}, {})).value));
  const values = Object.entries(Object.assign({}, ...configs) as Config);
  for (const [name, value] of values) {
    const isKnown = command.options.some((option) => option.envVar !== undefined && option.attributeName() === name);
    const source = command.getOptionValueSource(name);
    if (isKnown && (source === undefined || source === 'default'))
      command.setOptionValueWithSource(name, value, 'config');
  }
}
