import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeAtomic } from '../store/files.ts';
import type { Emit, Event, EventBody, ImageDifference, Published, StageName } from '../model.ts';

/**
 * Events of one build: each is stamped, kept in events.ndjson, remembered for the manifest and shown. `mend` writes the file anew if a line of it was
 * lost.
 */
export type EventLog = { emit: Emit; events: readonly Event[]; mend: () => Promise<void> };

/** Starts the log of a build. A disk too full for a line of the log does not end the build by itself. */
export function openEventLog(folder: string, build: string, show: (event: Event) => void): EventLog {
  const events: Event[] = [];
  const file = join(folder, 'events.ndjson');
  let isWhole = true;
  return {
    events,
    emit: (body) => {
      const event: Event = { at: new Date().toISOString(), build, ...body };
      events.push(event);
      try {
        // Of a line that was lost the beginning may be there.
        appendFileSync(file, `${isWhole ? '' : '\n'}${JSON.stringify(event)}\n`);
      } catch {
        // The folder may be gone (a refused build) or full (the stage's own write says so).
        isWhole = false;
      }
      show(event);
    },
    mend: async () => {
      if (!isWhole) await writeAtomic(file, events.map((event) => `${JSON.stringify(event)}\n`).join(''));
    },
  };
}

/** How a build failed, as its event tells it. */
export type Failure = Omit<Extract<EventBody, { type: 'failed' }>, 'type'>;

/** What became of a build, folded from its events. Seconds are wall time, `bytes` what a stage added to the disk. */
export type Manifest = {
  version: 1;
  build: string;
  name: string;
  recipe: string;
  rehearsal: boolean;
  family?: string;
  accelerator?: string;
  status: 'running' | 'done' | 'failed';
  startedAt: string;
  endedAt?: string;
  stages: {
    stage: StageName;
    outcome: 'running' | 'done' | 'reused' | 'skipped' | 'failed';
    seconds?: number;
    bytes?: number;
  }[];
  published: Published[];
  difference?: ImageDifference;
  warnings: string[];
  failure?: Failure;
};

/** Folds events into the manifest. Pure; works on the events of an unfinished build too. */
export function foldManifest(events: readonly Event[]): Manifest {
  const first = events[0];
  const manifest: Manifest = {
    version: 1,
    build: first?.build ?? '',
    name: '',
    recipe: '',
    rehearsal: false,
    status: 'running',
    startedAt: first?.at ?? '',
    stages: [],
    published: [],
    warnings: [],
  };
  for (const event of events) foldEvent(manifest, event);
  return manifest;
}

function foldEvent(manifest: Manifest, event: Event): void {
  switch (event.type) {
    case 'build-started': {
      const { name, recipe, rehearsal, family, accelerator } = event;
      Object.assign(manifest, { name, recipe, rehearsal, family, accelerator });
      return;
    }
    case 'stage-started':
      manifest.stages.push({ stage: event.stage, outcome: 'running' });
      return;
    case 'stage-finished':
      Object.assign(stageOf(manifest, event.stage), {
        outcome: 'done',
        seconds: event.seconds,
        bytes: event.bytes,
      });
      return;
    case 'stage-reused':
      stageOf(manifest, event.stage).outcome = 'reused';
      return;
    case 'stage-skipped':
      stageOf(manifest, event.stage).outcome = 'skipped';
      return;
    case 'difference': {
      const { since, summary, file } = event;
      manifest.difference = { since, summary, file };
      return;
    }
    case 'published': {
      const { at: _at, build: _build, type: _type, ...published } = event;
      manifest.published.push(published);
      return;
    }
    case 'warning':
      manifest.warnings.push(event.message);
      return;
    case 'failed': {
      const { at, build: _build, type: _type, ...failure } = event;
      if (event.stage) stageOf(manifest, event.stage).outcome = 'failed';
      Object.assign(manifest, { status: 'failed', endedAt: at, failure });
      return;
    }
    case 'build-finished':
      Object.assign(manifest, { status: 'done', endedAt: event.at });
      return;
    case 'command-started':
    case 'command-finished':
    case 'progress':
      return;
    default:
      event satisfies never;
  }
}

function stageOf(manifest: Manifest, stage: StageName): Manifest['stages'][number] {
  const found = manifest.stages.findLast((entry) => entry.stage === stage);
  if (found) return found;
  const added: Manifest['stages'][number] = { stage, outcome: 'running' };
  manifest.stages.push(added);
  return added;
}
