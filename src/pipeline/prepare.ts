import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { familyOf } from '../families/index.ts';
import { probeHost } from '../host/probe.ts';
import { resolveMedia } from '../media/find.ts';
import type { Media, Plan, StageName } from '../model.ts';
import type { Recipe } from '../recipe/schema.ts';
import { findLayer, listLayers } from '../store/checkpoints.ts';
import type { Paths } from '../store/paths.ts';
import type { PlanInput } from './plan.ts';
import { secretMacs, secretReader, secretValues } from './secrets.ts';

/** Supplies other media than the recipe's: how a rehearsal is made. */
export type MediaSource = (recipe: Recipe, options: Looking) => Promise<Media>;

type Looking = {
  paths: Paths;
  signal: AbortSignal;
  progress: (message: string, fraction?: number) => void;
  /** Whether missing media may be downloaded or made; `vmkiln plan` never does. */
  download: boolean;
  /** Environment of every program that is started, so that the reaper finds them. */
  env: Readonly<Record<string, string>>;
};

/** What to prepare for. */
export type PrepareRequest = {
  recipe: Recipe;
  rehearsal: MediaSource | undefined;
  connect: string | undefined;
  from: StageName | undefined;
  until: StageName | undefined;
};

/** Everything the plan needs from the world, and the secret values, which the plan must not see. */
export type Prepared = { input: PlanInput; secrets: readonly string[] };

/**
 * Asks the world what the decisions need: the host's abilities, the media, the templates, what is in the store.
 * Writes only caches.
 *
 * @throws VmkilnError of the host probe, the media, the templates or a missing secret.
 */
export async function prepare(request: PrepareRequest, looking: Looking): Promise<Prepared> {
  const { recipe, rehearsal, connect, from, until } = request;
  const { paths, signal } = looking;
  const family = familyOf(recipe);
  const rendered = family.render(recipe);
  const read = secretReader(rehearsal !== undefined || !looking.download);
  const secrets = secretValues(rendered, read);
  const [host, media, macs] = await Promise.all([
    probeHost({ cacheDir: paths.cache, signal, progress: looking.progress, ...(connect && { connect }) }),
    rehearsal ? rehearsal(recipe, looking) : recipeMedia(recipe, looking),
    secretMacs(rendered, read, paths.state, signal),
  ]);
  const name = rehearsal ? `${recipe.name}-rehearsal` : recipe.name;
  return {
    secrets,
    input: {
      recipe,
      family,
      host,
      media,
      rendered,
      macs,
      name,
      rehearsal: rehearsal !== undefined,
      notes: [...hostNotes(host.accelerator, host.acceleratorReason), ...family.notes(recipe)],
      existing: await existingLayers(paths.checkpoints),
      previous: await previousPlan(paths.builds, name),
      from,
      until,
    },
  };
}

function recipeMedia(recipe: Recipe, { paths, signal, progress, download }: Looking): Promise<Media> {
  const { iso, sha256 } = recipe.source;
  const wanted = { iso: { source: iso, ...(sha256 && { sha256 }) } };
  return resolveMedia(wanted, { mediaDir: paths.media, signal, progress, download });
}

function hostNotes(accelerator: 'kvm' | 'tcg', reason: string): string[] {
  return accelerator === 'kvm' ? [] : [`guests run under TCG, many times slower than with KVM: ${reason}`];
}

async function existingLayers(store: string): Promise<Set<string>> {
  const records = await listLayers(store);
  const found = await Promise.all(records.map(({ fingerprint }) => findLayer(store, fingerprint)));
  return new Set(found.flatMap((layer) => (layer ? [layer.fingerprint] : [])));
}

/** The plan of the latest build of that name. Build ids end in their time, so names sort by it. */
async function previousPlan(builds: string, name: string): Promise<Plan | undefined> {
  const folders = (await readdir(builds).catch(() => [])).filter((folder) => folder.startsWith(`${name}-2`));
  for (const folder of folders.toSorted().toReversed()) {
    try {
      const plan = JSON.parse(await readFile(join(builds, folder, 'plan.json'), 'utf8')) as Plan;
      if (plan.name === name) return plan;
    } catch {
      // A build that ended before it had a plan.
    }
  }
  return undefined;
}
