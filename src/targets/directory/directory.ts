import { join, resolve } from 'node:path';
import { z } from 'zod';
import { hostPath } from '../../recipe/values.ts';
import type { Target } from '../target.ts';

/** What a recipe says about the target. A relative path counts from the current folder. */
export type DirectorySpec = { path: string };

const schema = z
  .strictObject({ path: hostPath().describe('The folder; relative to the current folder.') })
  .describe('A folder with an index.json and a checksum beside each image.');

/** Publishes to a folder. What does the work is imported when it is wanted: whoever reads a recipe has no use for it. */
export const directory: Target<DirectorySpec> = {
  schema,
  isLocal: () => true,
  places: (spec) => [spec],
  nameOf: ({ path }) => path,
  check: async (...args) => (await import('./publish.ts')).check(...args),
  changes: async (...args) => (await import('./publish.ts')).changes(...args),
  publish: async (...args) => (await import('./publish.ts')).publish(...args),
  occupies: ({ name, format }, { path }, cwd) => join(resolve(cwd, path), `${name}.${format}`),
  channels: async ({ path }, context) =>
    (await import('./channels.ts')).openFolder(resolve(context.cwd, path), context),
  channelPlace: ({ path }, { cwd }) => `${resolve(cwd, path)}/`,
  clean: async ({ path }, build, cwd) => (await import('./publish.ts')).removePartials(resolve(cwd, path), build),
};
