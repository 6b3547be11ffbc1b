import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EventBody, Plan, Published } from '../../src/model.ts';
import { makePlan } from '../../src/pipeline/plan.ts';
import { poolOf } from '../../src/pipeline/pool.ts';
import { runPlan } from '../../src/pipeline/run.ts';
import type { Recipe } from '../../src/recipe/recipe.ts';
import type { Stage } from '../../src/stages/stage.ts';
import { usableLayers } from '../../src/store/checkpoints.ts';
import { noSerial } from '../../src/targets/serial.ts';
import { planInput } from './plan-input.ts';

/** A stage that starts no program: it writes what it leaves. `changed` is what its fingerprint goes by. */
export function stageOf(name: string, more: Partial<Stage> & { changed?: string } = {}): Stage {
  const { changed = '', ...declared } = more;
  return {
    name,
    plan: () => ({ commands: [], keys: [], counts: changed }),
    run: async (_step, context) => {
      if (declared.leaves) writeFileSync(context.work(declared.leaves.file), `${name} of ${context.build}`);
    },
    ...declared,
  };
}

const published: Published = { target: 'test', location: 'here', sha256: '', size: 0, unchanged: false };

/** What every pipeline has: a layer, the image that is made from it, and where it goes. */
export const own = {
  base: stageOf('base', { leaves: { file: 'base' }, hook: { name: 'afterInstall', after: 'run' } }),
  image: stageOf('image', { leaves: { file: 'image', image: true }, hook: { name: 'afterBuild', after: 'result' } }),
  publish: stageOf('publish', {
    publishes: { because: 'always' },
    hook: { name: 'afterUpload', after: 'result' },
    run: async (_step, context) => [{ ...published, sha256: context.image().sha256 }],
  }),
};

/** A machine with a store of its own, on which pipelines of any stages are planned and run. */
export function ownMachine(recipe: Recipe) {
  const folder = mkdtempSync(join(tmpdir(), 'vmkiln-run-'));
  const store = join(folder, 'checkpoints');
  mkdirSync(store);
  let previous: Plan<Recipe> | undefined;
  let builds = 0;
  return {
    folder,
    /** Plans and runs; tells what was planned, what ran, what was told of the others, the hooks, and what was published. */
    build: async (
      stages: readonly Stage[],
      more: Parameters<typeof planInput>[1] = {},
      change = (plan: Plan<Recipe>) => plan,
    ) => {
      const input = planInput(recipe, { existing: await usableLayers(store), previous, ...more });
      const plan = change(makePlan(input, stages));
      previous = plan;
      builds += 1;
      const work = join(folder, `work-${builds}`);
      mkdirSync(join(work, 'logs'), { recursive: true });
      const events: EventBody[] = [];
      const hooks: string[] = [];
      const result = await runPlan(
        {
          plan,
          build: `build-${builds}`,
          serial: noSerial,
          folder: work,
          work,
          signal: new AbortController().signal,
          emit: (event) => events.push(event),
          world: { env: {}, cwd: '/' },
          redact: [],
          keepOnFailure: false,
          checkpoints: store,
          mediaDir: folder,
          pool: poolOf(8, () => ({ memory: 1e12, disk: 1e12 })),
          hook: async (name, { image, published: done }) => {
            hooks.push(
              `${name} ${image === undefined ? 'without an image' : 'with an image'}, ${done.length} published`,
            );
          },
          pin: async () => undefined,
        },
        stages,
      );
      const told = (type: EventBody['type']) =>
        events.flatMap((event) => (event.type === type && 'stage' in event && event.stage ? [event.stage] : []));
      const planned = plan.stages.map(({ stage, forecast }) => `${stage} ${forecast}`);
      const [ran, reused, skipped] = [told('stage-finished'), told('stage-reused'), told('stage-skipped')];
      return { plan, planned, ran, reused, skipped, hooks, published: result };
    },
  };
}
