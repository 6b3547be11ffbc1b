import { readdir, readFile } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { VmkilnError } from '../errors.ts';
import type { Event, StageName, World } from '../model.ts';
import { foldersOf, readOwners } from '../store/owner.ts';
import type { Paths } from '../store/paths.ts';
import { didYouMean } from '../text.ts';
import { foldManifest, type Manifest } from './events.ts';
import { readEvents } from './event-file.ts';
import { folderSize } from './reap.ts';
import { openPaths } from './request.ts';

/**
 * How a build stands: `kept` failed and has its guest and work folder still, `interrupted` was stopped or killed before its
 * end.
 */
export type Outcome = 'running' | 'done' | 'failed' | 'kept' | 'interrupted';

/** A build whose folder is there: what its manifest says, and how it stands. */
export type BuildRecord = Manifest & { outcome: Outcome; folder: string };

/** A command of a stage, when it began (ISO 8601), its log in the build's folder, and how it ended: undefined while it runs. */
export type CommandRecord = {
  stage: StageName;
  startedAt: string;
  argv: readonly string[];
  log: string;
  exitCode: number | undefined;
  seconds: number | undefined;
};

/** A build with its commands, and the bytes that its folder takes on disk. */
export type BuildDetails = BuildRecord & { commands: CommandRecord[]; folderBytes: number };

/** The builds whose folders are there, the latest first. */
export async function listBuilds(world: World): Promise<BuildRecord[]> {
  const paths = await openPaths(world);
  const [names, owners] = await Promise.all([readdir(paths.builds).catch(() => []), readOwners(paths)]);
  const states = new Map(owners.map(({ owner, alive }) => [owner.build, { alive, kept: owner.kept ?? false }]));
  const records = await Promise.all(names.map((id) => readRecord(paths, id, states.get(id))));
  return records
    .filter((record) => record !== undefined)
    .toSorted((a, b) => (a.startedAt < b.startedAt ? 1 : a.startedAt > b.startedAt ? -1 : 0));
}

/**
 * What is known of a build; undefined when nothing is. One that still runs, or was killed, has no manifest: its events say
 * how far it has come.
 *
 * @param state its owner's, when it has one.
 */
export async function readRecord(
  paths: Paths,
  id: string,
  state?: { alive: boolean; kept: boolean },
): Promise<BuildRecord | undefined> {
  const { folder } = foldersOf(paths, id);
  const manifest = (await readManifest(folder)) ?? foldManifest(await readEvents(folder));
  if (manifest.startedAt === '') return undefined;
  // Older versions, and a build that was refused early, may say no name.
  const name = manifest.name === '' ? id.replace(/-\d{8}-\d{6}-[0-9a-f]{4}$/, '') : manifest.name;
  return { ...manifest, build: id, name, outcome: outcomeOf(manifest, state), folder };
}

async function readManifest(folder: string): Promise<Manifest | undefined> {
  try {
    return JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')) as Manifest;
  } catch {
    return undefined;
  }
}

/** Pure. */
export function outcomeOf(
  { status, failure }: Pick<Manifest, 'status' | 'failure'>,
  state: { alive: boolean; kept: boolean } | undefined,
): Outcome {
  if (state?.kept) return 'kept';
  if (status === 'running') return state?.alive ? 'running' : 'interrupted';
  if (status === 'done') return 'done';
  return failure?.code === 'INTERRUPTED' ? 'interrupted' : 'failed';
}

/** Whether a build is one of a recipe: by the name of the image, rehearsed or not, or by that of the recipe's file. Pure. */
export function isOf({ name, recipe }: Pick<BuildRecord, 'name' | 'recipe'>, word: string): boolean {
  const file = basename(recipe);
  return [name, name.replace(/-rehearsal$/, ''), file, basename(file, extname(file))].includes(word);
}

/** Whether a build has ended without an image. Pure. */
export function hasFailed({ outcome }: Pick<BuildRecord, 'outcome'>): boolean {
  return outcome !== 'done' && outcome !== 'running';
}

/**
 * The build that a word means: its id, the end of its id, or the latest build of an image or recipe of that name. Without a
 * word the latest of all. Pure.
 *
 * @param builds the latest first.
 * @throws VmkilnError USAGE when there is none, or when several ids end so.
 */
export function findBuild(builds: readonly BuildRecord[], word: string | undefined): BuildRecord {
  const hint = '`vmkiln builds` lists them';
  const [latest] = builds;
  if (latest === undefined) throw new VmkilnError('USAGE', 'there is no such build yet', { hint });
  if (word === undefined) return latest;
  const exact = builds.find(({ build }) => build === word);
  const ending = builds.filter(({ build }) => build.endsWith(`-${word}`));
  const found = exact ?? (ending.length === 1 ? ending[0] : builds.find((each) => isOf(each, word)));
  if (found) return found;
  const ids = builds.map(({ build }) => build);
  const message =
    ending.length > 1
      ? `several builds end in ${word}: ${ending.map(({ build }) => build).join(', ')}`
      : `there is no build ${word}${didYouMean(word, ids)}`;
  throw new VmkilnError('USAGE', message, { hint });
}

/** A build with what its events and its folder say besides. */
export async function describeBuild(record: BuildRecord): Promise<BuildDetails> {
  const [events, folderBytes] = await Promise.all([readEvents(record.folder), folderSize(record.folder)]);
  return { ...record, commands: commandsOf(events), folderBytes };
}

/** The commands of the stages, in order: those that only ask how a guest is doing are left out. Pure. */
export function commandsOf(events: readonly Event[]): CommandRecord[] {
  const running: (CommandRecord & { control: boolean })[] = [];
  for (const event of events) {
    if (event.type === 'command-started') {
      const { stage, at: startedAt, argv, log, control } = event;
      running.push({ stage, startedAt, argv, log, control, exitCode: undefined, seconds: undefined });
    } else if (event.type === 'command-finished') {
      const { stage, program, exitCode, seconds } = event;
      const open = running.find(
        (each) => each.stage === stage && each.argv[0] === program && each.seconds === undefined,
      );
      if (open) Object.assign(open, { exitCode, seconds });
    }
  }
  return running.filter(({ control }) => !control).map(({ control: _control, ...command }) => command);
}
