import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { BuildRecord } from '../pipeline/builds.ts';
import { folderSize } from '../pipeline/reap.ts';
import {
  buildAnswer,
  buildForm,
  buildsQuery,
  channelForm,
  cloudForm,
  errorForm,
  factoryForm,
  hostForm,
  nightAnswer,
  nightForm,
} from './answers.ts';
import type { Clouds } from './cloud-channels.ts';
import { asJson, type Shape, streamOf } from './live.ts';
import { metricsText } from './metrics.ts';
import { channelsOf, readBuilds, readFactory, readHost, readLatestNights, readPlaces, type Sources } from './state.ts';

/** Logs that are followed at the same time: each looks at a file three times a second. */
const mostStreams = 64;

const buildParams = z.object({ build: z.string() });

/** What programs ask for: builds, nights, the factory, channels, this host, metrics; and whether the server answers. */
export function apiRoutes(plain: FastifyInstance, sources: Sources, clouds: Clouds): void {
  const app = plain.withTypeProvider<ZodTypeProvider>();
  const failures = { 401: errorForm, 403: errorForm, 409: errorForm };
  const missing = { ...failures, 404: errorForm };

  app.get(
    '/api/v1/builds',
    {
      schema: {
        summary: 'The builds that are kept, the latest first',
        querystring: buildsQuery,
        response: { 200: z.array(buildForm), 400: errorForm, ...failures },
      },
    },
    async ({ query: { outcome, name, limit } }) => {
      const builds = await readBuilds(sources);
      const wanted = builds.filter(
        (each) => (outcome === undefined || each.outcome === outcome) && (name === undefined || each.name === name),
      );
      return wanted.slice(0, limit).flatMap((each) => buildAnswer(each, Date.now()) ?? []);
    },
  );
  app.get(
    '/api/v1/builds/:build',
    { schema: { summary: 'A build', params: buildParams, response: { 200: buildForm, ...missing } } },
    async ({ params }, reply) => {
      const build = await findOne(params.build, sources);
      const found = build && buildAnswer(build, Date.now());
      return found ?? noBuild(reply, params.build);
    },
  );
  app.get(
    '/api/v1/builds/:build/events',
    {
      schema: {
        summary: 'The events of a build, those of docs/operations.md, as they happen: text/event-stream',
        description:
          'Ends with an event of the type `end`. Last-Event-ID, or `after`, is the number of events not to send again.',
        params: buildParams,
        querystring: z.object({ after: z.coerce.number().int().min(0).default(0) }),
        response: { ...missing, 503: errorForm },
      },
    },
    async (request, reply) => {
      const build = await findOne(request.params.build, sources);
      return build
        ? follow(request, reply, { build, after: request.query.after, shape: asJson() }, sources)
        : noBuild(reply, request.params.build);
    },
  );
  app.get(
    '/api/v1/nights',
    {
      schema: {
        summary: 'The nights of the factory, the latest first',
        response: { 200: z.array(nightForm), ...failures },
      },
    },
    async () => (await readLatestNights(sources)).flatMap((night) => nightAnswer(night) ?? []),
  );
  app.get(
    '/api/v1/factory',
    {
      schema: {
        summary: 'The factory, its images, and when they are looked at next',
        response: { 200: factoryForm, ...missing },
      },
    },
    async (_request, reply) => {
      const found = await readFactory(sources, Date.now());
      return found ?? reply.code(404).send(problem('NOT_FOUND', 'the dashboard was started without a factory'));
    },
  );
  app.get(
    '/api/v1/channels',
    {
      schema: {
        summary: 'The channels of the folders of this host',
        response: { 200: z.array(channelForm), ...failures },
      },
    },
    async () => channelsOf(await readPlaces(sources)),
  );
  app.get(
    '/api/v1/clouds',
    {
      schema: {
        summary: 'The clouds that the factory publishes to, with their channels',
        response: { 200: z.array(cloudForm), ...failures },
      },
    },
    async () => clouds(),
  );
  app.get(
    '/api/v1/hosts',
    { schema: { summary: 'The hosts that build: this one', response: { 200: z.array(hostForm), ...failures } } },
    async () => [await readHost(sources)],
  );
  app.get('/api/openapi.json', { schema: { hide: true } }, () => plain.swagger());
  app.get('/metrics', { schema: { hide: true } }, async (_request, reply) => {
    reply.type('text/plain; version=0.0.4; charset=utf-8');
    return measured(sources);
  });
  app.get('/healthz', { config: { open: true }, schema: { hide: true } }, () => ({ status: 'ok' }));
}

/** The build of this id, exactly. */
export async function findOne(id: string, sources: Sources): Promise<BuildRecord | undefined> {
  return (await readBuilds(sources)).find(({ build }) => build === id);
}

let streams = 0;

/** Answers with the events of a build, until it has ended, or whoever asked or the server goes. */
export async function follow(
  request: FastifyRequest,
  reply: FastifyReply,
  { build, after, shape }: { build: BuildRecord; after: number; shape: Shape },
  { paths, signal }: Sources,
): Promise<FastifyReply> {
  if (streams >= mostStreams)
    return reply.code(503).header('retry-after', '30').send(problem('BUSY', 'too many logs are followed'));
  const gone = new AbortController();
  streams += 1;
  reply.raw.once('close', () => {
    streams -= 1;
    gone.abort();
  });
  // A browser that has lost the connection says what it has.
  const last = Number(request.headers['last-event-id'] ?? after);
  const seen = Number.isSafeInteger(last) && last >= 0 ? last : after;
  const messages = streamOf(build, { paths, signal: AbortSignal.any([signal, gone.signal]), after: seen, shape });
  return reply.type('text/event-stream').send(Readable.from(messages));
}

async function measured(sources: Sources): Promise<string> {
  const { checkpoints, media, builds: folder } = sources.paths;
  const [builds, nights, factory, host, ...sizes] = await Promise.all([
    readBuilds(sources),
    readLatestNights(sources),
    readFactory(sources, Date.now()),
    readHost(sources),
    ...[checkpoints, media, folder].map(folderSize),
  ]);
  const [layers = 0, downloads = 0, documents = 0] = sizes;
  return metricsText({
    builds,
    nights,
    factory,
    host,
    stores: { checkpoints: layers, media: downloads, builds: documents },
  });
}

function noBuild(reply: FastifyReply, id: string) {
  return reply.code(404).send(problem('NOT_FOUND', `there is no build ${id}`));
}

function problem(code: string, message: string) {
  return { error: { code, message } };
}
