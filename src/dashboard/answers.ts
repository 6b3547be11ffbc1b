import { z } from 'zod';
import type { BuildRecord } from '../pipeline/builds.ts';
import { entryOutcomes, type NightSummary } from '../factory/summary.ts';
import { secondsOf } from '../ui/builds-text.ts';

// What the API answers: the server sends nothing that these forms do not have, and its OpenAPI document is made from them. Times are ISO 8601 in
// UTC, sizes bytes, durations seconds.

const outcomes = ['running', 'done', 'failed', 'kept', 'interrupted'] as const;

/** Why a build failed. */
const failureForm = z.object({
  stage: z.string().optional(),
  code: z.string().describe('Of docs/errors.md.'),
  message: z.string(),
  hint: z.string().optional(),
  explanation: z
    .object({ id: z.string(), cause: z.string(), remedy: z.string().optional(), file: z.string(), line: z.number() })
    .optional(),
});

export const buildForm = z.object({
  build: z.string(),
  name: z.string().describe('Of the image.'),
  recipe: z.string(),
  rehearsal: z.boolean(),
  outcome: z.enum(outcomes),
  startedAt: z.string(),
  endedAt: z.string().optional(),
  seconds: z.number().optional().describe('That it took, or has taken so far.'),
  stages: z.array(
    z.object({ stage: z.string(), outcome: z.string(), seconds: z.number().optional(), bytes: z.number().optional() }),
  ),
  published: z.array(
    z.object({
      target: z.string(),
      name: z.string().optional(),
      location: z.string(),
      sha256: z.string(),
      size: z.number(),
      unchanged: z.boolean(),
      already: z
        .string()
        .optional()
        .describe('The build whose image is there: the same publication was made by it before.'),
    }),
  ),
  warnings: z.array(z.string()),
  failure: failureForm.optional(),
});
export type BuildAnswer = z.output<typeof buildForm>;

export const buildsQuery = z.object({
  outcome: z.enum(outcomes).optional(),
  name: z.string().optional().describe('Of the image.'),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
});

export const nightForm = z.object({
  night: z.string(),
  factory: z.string(),
  outcome: z.enum(['done', 'failed', 'interrupted']),
  startedAt: z.string(),
  endedAt: z.string(),
  seconds: z.number(),
  warnings: z.array(z.string()),
  entries: z.array(
    z.object({
      name: z.string(),
      outcome: z.enum(entryOutcomes),
      build: z.string().optional(),
      seconds: z.number().optional(),
      reasons: z.array(z.string()),
      notes: z.array(z.string()),
      difference: z.string().optional(),
      failure: failureForm.optional(),
    }),
  ),
});
export type NightAnswer = z.output<typeof nightForm>;

const entryForm = z.object({
  name: z.string(),
  recipe: z.string(),
  next: z.string().optional().describe('The night in which it is looked at; absent when the factory has no schedule.'),
  build: z.string().optional().describe('The last good build.'),
  builtAt: z.string().optional(),
  failure: z.string().optional().describe('What its last build failed with, if it has.'),
});

export const factoryForm = z.object({
  name: z.string(),
  file: z.string(),
  next: z.string().optional().describe('When the next night begins.'),
  entries: z.array(entryForm),
});
export type FactoryAnswer = z.output<typeof factoryForm>;

const imageForm = z.object({
  location: z.string(),
  name: z.string(),
  sha256: z.string(),
  build: z.string(),
  since: z.string().optional(),
});

export const channelForm = z.object({
  place: z.string(),
  channel: z.string(),
  generation: z.number(),
  image: imageForm.nullable(),
  earlier: z.number().describe('Images that it can go back to.'),
});
export type ChannelAnswer = z.output<typeof channelForm>;

export const cloudForm = z.object({
  place: z.string().describe('The cloud, as the recipes name it.'),
  channels: z.array(channelForm).describe('As it has answered in the last minute.'),
  problem: z.string().optional().describe('Why there is no newer answer.'),
});
export type CloudAnswer = z.output<typeof cloudForm>;

export const hostForm = z.object({
  name: z.string(),
  vmkiln: z.string().describe('Version.'),
  cores: z.number(),
  load: z.number().describe('Of the last minute.'),
  memory: z.object({ total: z.number(), available: z.number() }),
  disks: z.array(
    z.object({ folder: z.enum(['state', 'cache']), path: z.string(), total: z.number(), free: z.number() }),
  ),
});
export type HostAnswer = z.output<typeof hostForm>;

export const errorForm = z.object({
  error: z.object({ code: z.string(), message: z.string(), hint: z.string().optional() }),
});

/** A build as the API has it; undefined for one whose manifest has another form. `now` is in milliseconds since 1970. Pure. */
export function buildAnswer(record: BuildRecord, now: number): BuildAnswer | undefined {
  const seconds = secondsOf(record, now);
  const parsed = buildForm.safeParse({ ...record, ...(seconds === undefined ? {} : { seconds }) });
  return parsed.data;
}

/** A night as the API has it; undefined for one of another form. Pure. */
export function nightAnswer(night: NightSummary): NightAnswer | undefined {
  const entries = night.entries.map((entry) => ({ ...entry, reasons: entry.reasons.map(({ text }) => text) }));
  return nightForm.safeParse({ ...night, entries }).data;
}
