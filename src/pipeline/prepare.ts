import { existsSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { VmkilnError } from '../errors.ts';
import { findingText } from '../families/family.ts';
import { familyOf } from '../families/index.ts';
import { checkNeeds, freeSpace, machineError, type Needed } from '../host/needs.ts';
import { probeHost } from '../host/probe.ts';
import { localPath, resolveMedia } from '../media/find.ts';
import { checkSize, readReadyImage } from '../media/ready-image.ts';
import type { Host, InstallerLog, Media, Plan, StageName, World } from '../model.ts';
import { channelOf, isFolder, mediaOf, readyImage } from '../recipe/media.ts';
import type { Recipe } from '../recipe/recipe.ts';
import { checkFiles, verifyNotes } from '../recipe/verify.ts';
import { findGoss } from '../verify/goss.ts';
import { checkScap } from '../verify/oscap.ts';
import { usableLayers } from '../store/checkpoints.ts';
import { withLock } from '../store/lock.ts';
import type { Paths } from '../store/paths.ts';
import { plannedTargets } from '../targets/index.ts';
import { checkTargets } from '../targets/publish.ts';
import { nearestOsinfo } from '../tools/osinfo.ts';
import { latestManifests } from './history.ts';
import { version } from '../version.ts';
import type { PlanInput } from './plan.ts';
import { predict } from './predict.ts';
import type { Wanted } from './request.ts';
import { dummySecret, type ReadSecret, secretMacs, secretReader, secretValues } from './secrets.ts';
import { digestFiles } from './unchanged.ts';

/** Supplies other media than the recipe's. */
export type MediaSource = (recipe: Recipe, options: Looking) => Promise<Media>;

/** How a recipe is built from other media than its own, and how the log of the installer on them is read. */
export type Rehearsal = { media: MediaSource; log: (log: InstallerLog, family: string) => InstallerLog };

type Looking = {
  paths: Paths;
  /** The build's work folder, for what is half made; the reaper removes it. */
  work: string;
  signal: AbortSignal;
  progress: (message: string, fraction?: number) => void;
  /** Whether missing media may be downloaded or made; `vmkiln plan` never does. */
  download: boolean;
  world: World;
  /** Environment of every program that is started, so that the reaper finds them. */
  env: Readonly<Record<string, string>>;
  /** What this host can do, when it is known already. */
  host?: Host;
};

/** What to prepare for. */
export type PrepareRequest = Wanted & {
  rehearsal: Rehearsal | undefined;
  connect: string | undefined;
  from: StageName | undefined;
  until: StageName | undefined;
  /** Whether layers may be reused. */
  cache: boolean;
};

/** Everything the plan needs from the world, and the secret values, which the plan must not see. */
export type Prepared = { input: PlanInput; secrets: readonly string[] };

/**
 * Asks the world what the decisions need: the host's abilities, the media, the templates, what is in the store.
 * Writes only caches.
 *
 * @throws VmkilnError of the host probe, the media, the templates, a missing secret or file; unless it is for `vmkiln plan`,
 * HOST_UNFIT and DISK_FULL of `checkNeeds` too.
 */
export async function prepare(request: PrepareRequest, looking: Looking): Promise<Prepared> {
  const { recipe, name, recipeFile, rehearsal, connect, from, until, cache } = request;
  const { paths, signal, world } = looking;
  const family = familyOf(recipe);
  const rendered = family.render(recipe);
  const findings = family.lint?.(recipe, rendered) ?? [];
  const faults = findings.filter(({ level }) => level === 'error').map(findingText);
  if (faults.length > 0) {
    throw new VmkilnError('TEMPLATE_INVALID', faults.join('\n'), { hint: '`vmkiln render` shows the file' });
  }
  const read = secretReader(rehearsal !== undefined || !looking.download, world.env);
  const secrets = secretValues(rendered, read);
  if (looking.download) {
    await findGoss(recipe.verify?.checks ?? [], world.env);
    await checkScap(recipe.verify?.checks ?? [], { env: world.env, signal });
    await checkTargets(plannedTargets(recipe.upload), { signal, ...world });
    const machine = family.machine(recipe);
    await checkNeeds({ connect, machine, cache: paths.cache, files: neededFiles(request, paths) }, signal);
  }
  const [host, found, macs] = await allOrFirstFailure([
    // Of builds that begin together on a new host, one finds out what is slow to find: test guests side by side are slower.
    looking.host ??
      withLock(paths.cache, 'probe', { signal }, () =>
        probeHost({
          cacheDir: paths.cache,
          env: world.env,
          signal,
          progress: looking.progress,
          ...(connect && { connect }),
        }),
      ),
    rehearsal ? rehearsal.media(recipe, looking) : recipeMedia(recipe, looking),
    secretMacs(rendered, read, paths.state, signal),
  ]);
  const media = await examine(found, recipe, looking);
  // What a rehearsal supplies is made for the recipe.
  const unfit = rehearsal ? [] : ((await family.check?.(recipe, media, read)) ?? []);
  if (unfit.length > 0) {
    throw new VmkilnError('MEDIA_UNFIT', unfit.join('\n'), { hint: 'choose other media, or correct the recipe' });
  }
  // A build would have been refused by now; a plan says it.
  const unable = looking.download ? undefined : await machineError(host.connect, family.machine(recipe), signal);
  const kind = { name, rehearsal: rehearsal !== undefined, family: recipe.family, accelerator: host.accelerator };
  const previous = await previousPlan(paths.builds, name);
  return {
    secrets,
    input: {
      vmkiln: version(),
      recipeFile,
      recipe,
      family,
      installer: rehearsal && family.installer ? rehearsal.log(family.installer, recipe.family) : family.installer,
      host,
      media,
      rendered,
      files: await digestFiles([...family.files(recipe), ...checkFiles(recipe.verify?.checks)], signal),
      macs,
      signer: await signerOf(recipe, read),
      name,
      rehearsal: rehearsal !== undefined,
      notes: [
        ...(unable ? [`no build can begin: ${unable.message} (${unable.hint})`] : []),
        ...hostNotes(host, 'omitted' in family.install(recipe, media, host) ? [] : family.osinfo(recipe)),
        ...verifyNotes(recipe.verify),
        ...family.notes(recipe),
        ...findings.map(findingText),
      ],
      existing: await usableLayers(paths.checkpoints),
      now: Date.now(),
      previous,
      predictions: predict(latestManifests(paths.builds, name), kind, previous),
      room: { folder: paths.work, free: await freeSpace(paths.work) },
      from,
      until,
      cache,
    },
  };
}

/** What tells the key that signs from others: of one that is not there, as in a rehearsal and for a plan, nothing is known. */
async function signerOf({ describe }: Recipe, read: ReadSecret): Promise<string | undefined> {
  if (describe?.signWith === undefined) return undefined;
  const pem = read(describe.signWith);
  if (pem === dummySecret) return undefined;
  const { keyId, signingKey } = await import('../describe/envelope.ts');
  return keyId(signingKey(pem));
}

async function recipeMedia(recipe: Recipe, { paths, signal, progress, download, world }: Looking): Promise<Media> {
  const media = namedMedia(recipe);
  const [ready] = media.flatMap(({ source }) => channelOf(source) ?? []);
  if (ready) {
    const { channelMedium } = await import('../channels/medium.ts');
    const options = { ...world, mediaDir: paths.media, signal, progress, download };
    return { [readyImage]: await channelMedium(ready.channel, ready.place, options) };
  }
  const wanted = Object.fromEntries(media.map(({ role, ...medium }) => [role, medium]));
  return resolveMedia(wanted, { mediaDir: paths.media, signal, progress, env: world.env, download });
}

function namedMedia(recipe: Recipe): ReturnType<typeof mediaOf> {
  return mediaOf(recipe.source, familyOf(recipe).media);
}

/** Looks into the media that are there, and refuses those that cannot serve. */
async function examine(media: Media, recipe: Recipe, { work, signal, download }: Looking): Promise<Media> {
  const image = media[readyImage];
  if (!image || !existsSync(image.path)) return media;
  const ready = await readReadyImage(image, { workDir: download ? work : tmpdir(), signal });
  checkSize(image.source, ready, recipe.disk.size);
  return { ...media, [readyImage]: { ...image, image: ready } };
}

/** What QEMU opens by name: disks and media in the cache, and media where they lie. */
function neededFiles({ recipe, rehearsal }: PrepareRequest, paths: Paths): Needed[] {
  const media = rehearsal ? [] : namedMedia(recipe).flatMap(({ source }) => pathOf(source) ?? []);
  const cache = 'set VMKILN_HOME to a folder that it can reach';
  return [
    ...[paths.work, paths.checkpoints, paths.media].map((path) => ({ path, move: cache })),
    ...media.map((path) => ({ path, move: 'move it to a folder that it can reach, such as /srv/iso' })),
  ];
}

/** Where a medium lies on this host; of the image of a channel only the folder is known yet. */
function pathOf(source: string): string | undefined {
  const ready = channelOf(source);
  if (ready) return isFolder(ready.place) ? ready.place : undefined;
  return localPath(source);
}

/** What a person should know of the host; `candidates` are the osinfo ids of a system that is to be installed. */
export function hostNotes({ accelerator, acceleratorReason, osinfo }: Host, candidates: readonly string[]): string[] {
  const { id, exact } = nearestOsinfo(candidates, osinfo);
  return [
    ...(accelerator === 'kvm' ? [] : [`guests run under TCG, many times slower than with KVM: ${acceleratorReason}`]),
    ...(exact || candidates.length === 0
      ? []
      : [`this host's osinfo-db does not know ${candidates[0]}: the installation runs as ${id ?? 'a generic system'}`]),
  ];
}

/** Like Promise.all, but when one fails the others have ended too: nothing goes on in a build that was refused. */
async function allOrFirstFailure<A, B, C>(work: [A | Promise<A>, Promise<B>, Promise<C>]): Promise<[A, B, C]> {
  await Promise.allSettled(work);
  return Promise.all(work);
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
