import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { familyOf } from '../families/index.ts';
import { checkNeeds, type Needed } from '../host/needs.ts';
import { probeHost } from '../host/probe.ts';
import { localPath, resolveMedia } from '../media/find.ts';
import type { Host, Media, Plan, StageName } from '../model.ts';
import type { Recipe } from '../recipe/schema.ts';
import { findLayer, listLayers } from '../store/checkpoints.ts';
import type { Paths } from '../store/paths.ts';
import { checkTargets } from '../targets/index.ts';
import { nearestOsinfo } from '../tools/osinfo.ts';
import type { PlanInput } from './plan.ts';
import { secretMacs, secretReader, secretValues } from './secrets.ts';

/** Supplies other media than the recipe's: how a rehearsal is made. */
export type MediaSource = (recipe: Recipe, options: Looking) => Promise<Media>;

type Looking = {
  paths: Paths;
  /** The build's work folder, for what is half made; the reaper removes it. */
  work: string;
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
 * @throws VmkilnError of the host probe, the media, the templates or a missing secret; unless it is for `vmkiln plan`,
 * HOST_UNFIT and DISK_FULL of `checkNeeds` too.
 */
export async function prepare(request: PrepareRequest, looking: Looking): Promise<Prepared> {
  const { recipe, rehearsal, connect, from, until } = request;
  const { paths, signal } = looking;
  const family = familyOf(recipe);
  const rendered = family.render(recipe);
  const read = secretReader(rehearsal !== undefined || !looking.download);
  const secrets = secretValues(rendered, read);
  if (looking.download) {
    await checkTargets(recipe.upload);
    await checkNeeds({ connect, cache: paths.cache, files: neededFiles(request, paths) }, signal);
  }
  const [host, media, macs] = await allOrFirstFailure([
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
      notes: [...hostNotes(host, family.osinfo(recipe)), ...family.notes(recipe)],
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

/** What QEMU opens by name: disks and media in the cache, and an ISO where it lies. */
function neededFiles({ recipe, rehearsal }: PrepareRequest, paths: Paths): Needed[] {
  const iso = rehearsal ? undefined : localPath(recipe.source.iso);
  const cache = 'set VMKILN_HOME to a folder that it can reach';
  return [
    ...[paths.work, paths.checkpoints, paths.media].map((path) => ({ path, move: cache })),
    ...(iso === undefined ? [] : [{ path: iso, move: 'move the ISO to a folder that it can reach, such as /srv/iso' }]),
  ];
}

/** What a person should know of this host before a build: why it is slow, and what libvirt takes the guest for. */
export function hostNotes({ accelerator, acceleratorReason, osinfo }: Host, candidates: readonly string[]): string[] {
  const { id, exact } = nearestOsinfo(candidates, osinfo);
  return [
    ...(accelerator === 'kvm' ? [] : [`guests run under TCG, many times slower than with KVM: ${acceleratorReason}`]),
    ...(exact
      ? []
      : [`this host's osinfo-db does not know ${candidates[0]}: the installation runs as ${id ?? 'a generic system'}`]),
  ];
}

/** Like Promise.all, but when one fails the others have ended too: nothing goes on in a build that was refused. */
async function allOrFirstFailure<A, B, C>(work: [Promise<A>, Promise<B>, Promise<C>]): Promise<[A, B, C]> {
  await Promise.allSettled(work);
  return Promise.all(work);
}

/** The layers that can be reused, each with the time it was made. */
async function existingLayers(store: string): Promise<Map<string, string>> {
  const records = await listLayers(store);
  const found = await Promise.all(records.map(({ fingerprint }) => findLayer(store, fingerprint)));
  return new Map(found.flatMap((layer) => (layer ? [[layer.fingerprint, layer.madeAt]] : [])));
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
