import { basename, extname } from 'node:path';
import { findScript } from '../../recipe/paths.ts';
import type { Target } from '../target.ts';
import { command as schema, type CommandSpec } from './recipe.ts';

/** Publishes by a program of the user's: an object store, another hypervisor, a registry. */
export const command: Target<CommandSpec> = {
  schema,
  isLocal: ({ local }) => local,
  resolve: (spec, folder, report) => ({ ...spec, run: findScript(spec.run, folder, ['run'], report) }),
  places: (spec) => [spec],
  nameOf: ({ name, run }) => name ?? basename(run, extname(run)),
  check: async (place, looking) => (await import('./program.ts')).check(place, looking),
  changes: async (image, place, looking) => (await import('./program.ts')).changes(image, place, looking),
  publish: async (image, place, context) => (await import('./program.ts')).publish(image, place, context),
};
