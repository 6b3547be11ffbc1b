import { existsSync } from 'node:fs';
import { VmkilnError } from '../errors.ts';
import { familyOf } from '../families/index.ts';
import { identityOf } from '../media/identity.ts';
import type { HttpOptions } from '../media/http.ts';
import type { Plan } from '../model.ts';
import { hash } from '../pipeline/fingerprint.ts';
import { stages } from '../pipeline/stages.ts';
import { channelOf, mediaOf } from '../recipe/media.ts';
import type { Recipe } from '../recipe/recipe.ts';
import type { Now } from './compare.ts';
import type { FactoryEntry } from './form.ts';
import { type RepositoryReader, type Watched, watchedBy } from './repositories.ts';
import type { EntryState, Seen } from './state.ts';
import { settle, type Update, updatesIn } from './updates.ts';
import type { Version } from './versions.ts';

/** What looking takes: nothing of a guest. */
export type LookWorld = { http: HttpOptions; reader: RepositoryReader };

/** What was seen of an entry. `notes` say what could not be seen. */
export type Sight = { now: Now; watched: Watched[]; notes: string[] };

/**
 * Looks at all that could change an image: what its plan reads, its remote media, its repositories, its published files. A server that does not
 * answer is told in a note, and has changed nothing.
 *
 * @throws VmkilnError INTERRUPTED.
 */
export async function look(
  { entry, recipe, plan }: { entry: FactoryEntry; recipe: Recipe; plan: Plan<Recipe> },
  before: EntryState | undefined,
  { http, reader }: LookWorld,
): Promise<Sight> {
  const family = familyOf(recipe);
  const sources = family.packageSources(recipe);
  const watched = watchedBy(entry, sources);
  const notes: string[] = [];
  const media: Seen['media'] = {};
  const repositories: Seen['repositories'] = {};
  const failed = (what: string) => (error: unknown) => {
    if (!(error instanceof VmkilnError) || error.code === 'INTERRUPTED') throw error;
    notes.push(`${what} could not be looked at: ${error.message}`);
    return undefined;
  };
  await Promise.all([
    // The image of a channel is in the plan, with its digest.
    ...mediaOf(recipe.source, family.media)
      .filter(({ source }) => !channelOf(source))
      .map(async ({ role, ...medium }) => {
        const identity = await identityOf(medium, http).catch(failed(`the ${role}`));
        if (identity) media[role] = identity;
      }),
    ...watched.map(async (each) => {
      const state = await reader.state(each).catch(failed(each.place));
      if (state) repositories[each.place] = state.digest;
    }),
  ]);
  if (sources.unseen.length > 0 && entry.watch === undefined) {
    notes.push(`updates of ${sources.unseen.join(', ')} cannot be seen from here: it goes by age`);
  }
  const { seen } = before ?? {};
  const changed = watched.filter(({ place }) => {
    return repositories[place] !== undefined && repositories[place] !== seen?.repositories[place];
  });
  // What a mirror did not have yet is waited for, whether its repository changes again or not.
  const waiting = Object.values(seen?.tried ?? {}).some((times) => times === 1);
  const wanted = waiting ? watched.filter(({ place }) => repositories[place] !== undefined) : changed;
  const { updates, unread } = await updatesOf(wanted, seen?.installed ?? [], reader);
  notes.push(...unread.map(({ place, why }) => `the packages of ${place} could not be read: ${why}`));
  const read = (place: string) => !unread.some((each) => each.place === place);
  return {
    watched: watched.filter(({ place }) => repositories[place] !== undefined),
    notes,
    now: {
      stages: stagesOf(plan),
      upload: hash(recipe.upload),
      media,
      repositories,
      updates,
      unjudged: changed.map(({ place }) => place).filter((place) => seen?.installed === undefined || !read(place)),
      // Another host's folders are not looked into.
      gone: (before?.host === undefined ? (before?.published ?? []) : [])
        .map(({ location }) => location)
        .filter((location) => location.startsWith('/') && !existsSync(location)),
    },
  };
}

/** What decides what an image is; where it is published counts for itself. */
function stagesOf(plan: Pick<Plan, 'stages'>): Seen['stages'] {
  const publishing = new Set(stages.flatMap(({ name, publishes }) => (publishes ? [name] : [])));
  return plan.stages
    .filter(({ stage }) => !publishing.has(stage))
    .map(({ stage, fingerprint, parts }) => ({ stage, fingerprint, parts }));
}

/** What is newer in repositories than what is installed, and which of them could not be read. */
async function updatesOf(
  watched: readonly Watched[],
  installed: readonly Version[],
  reader: RepositoryReader,
): Promise<{ updates: Update[]; unread: { place: string; why: string }[] }> {
  const updates: Update[] = [];
  const unread: { place: string; why: string }[] = [];
  if (installed.length === 0) return { updates, unread };
  for (const each of watched) {
    try {
      updates.push(...updatesIn(await reader.versions(each), installed, each.mirrored));
    } catch (error) {
      if (!(error instanceof VmkilnError) || error.code === 'INTERRUPTED') throw error;
      unread.push({ place: each.place, why: error.message });
    }
  }
  return { updates: [...new Map(updates.map((update) => [update.key, update])).values()], unread };
}

/** What is remembered of a good build: what was seen before it began, and what it did not bring. */
export async function seenBy(
  { now, watched }: Sight,
  built: Pick<Plan, 'stages'> & { installed: Version[] | undefined; fresh: boolean },
  before: Seen | undefined,
  reader: RepositoryReader,
): Promise<Seen> {
  const { upload, media, repositories } = now;
  const { updates } = await updatesOf(watched, built.installed ?? [], reader);
  return {
    ...{ stages: stagesOf(built), upload, media, repositories },
    ...(built.installed && { installed: built.installed }),
    tried: settle(updates, before?.tried ?? {}, built.fresh),
  };
}
