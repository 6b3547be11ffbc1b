import { plannedTargets } from '../targets/index.ts';
import { publishAll } from '../targets/publish.ts';
import { systemProperties } from '../targets/system-properties.ts';
import type { TargetCall } from '../targets/target.ts';
import { readDocuments, toPublish } from './documents.ts';
import type { Publication, Stage } from './stage.ts';

/** Hands the finished image to every target of the recipe. */
export const upload: Stage<Publication> = {
  name: 'upload',
  hook: { name: 'afterUpload', after: 'result' },
  publishes: { because: 'targets are asked every time; an image that is already there is left alone' },
  plan: ({ name, rehearsal, recipe, family, host }) => {
    const properties = systemProperties({
      recipe,
      family: family.properties(recipe),
      osinfo: family.osinfo(recipe)[0],
      architecture: host.arch,
    });
    const { description, output } = recipe;
    const image = {
      name,
      rehearsal,
      format: output.format,
      ...(description !== undefined && { description }),
      properties,
    };
    return {
      commands: [],
      keys: ['upload'],
      takes: { memory: 0, cores: 0 },
      settings: { image, targets: plannedTargets(recipe.upload) },
    };
  },
  run: async ({ settings }, context) => {
    const { path, sha256, sha512, size } = context.image();
    const to = {
      ...context.world,
      signal: context.signal,
      progress: (message: string, fraction?: number) =>
        context.emit({ type: 'progress', stage: 'upload', message, ...(fraction === undefined ? {} : { fraction }) }),
      note: (message: string) => context.emit({ type: 'warning', stage: 'upload', message }),
      work: context.work,
      exec: (call: TargetCall) => context.control(call),
    };
    const described = context.document('describe');
    const image = {
      ...settings.image,
      ...(described && toPublish(await readDocuments(described), sha256)),
      ...{ path, sha256, size, build: context.build, serial: context.serial },
      ...(sha512 !== undefined && { sha512 }),
    };
    return publishAll(settings.targets, image, to, (place) => context.emit({ type: 'published', ...place }));
  },
};
