import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { VmkilnError } from '../errors.ts';
import type { ChannelPlace } from '../targets/channel-place.ts';
import { exec } from '../tools/exec.ts';
import { errorForm } from './answers.ts';
import { readFactory, readPlaces, type Sources } from './state.ts';

/** How vmkiln itself is started: the program with its first words, and the words of a night that builds one image. */
export type Starter = { command: readonly string[]; night: (image: string) => readonly string[] };

/** Seconds that a change of a channel may take, and one build of a night with all that it waits for. */
const longestChange = 600;
const longestBuild = 7 * 24 * 3600;
/** Seconds that a build has to clean up after itself. */
const cleaning = 30;

const doneForm = z.object({ done: z.string() });
const failures = { 400: errorForm, 401: errorForm, 403: errorForm, 409: errorForm };

/**
 * What changes something: each is a command of vmkiln, in a process of its own, which says what is right and what is not.
 *
 * @returns waits for the builds that were begun here: they end with the signal of `sources`.
 */
export function actionRoutes(
  plain: FastifyInstance,
  sources: Sources,
  { starter, say }: { starter: Starter; say: (message: string) => void },
): () => Promise<void> {
  const app = plain.withTypeProvider<ZodTypeProvider>();
  const building = new Map<string, Promise<void>>();

  const run = async (words: readonly string[], timeout: number) => {
    const [program = '', ...first] = starter.command;
    const { signal, world } = sources;
    const accept = Array.from({ length: 255 }, (_, index) => index + 1);
    return exec({ program, args: [...first, ...words], timeout, signal, cwd: world.cwd, accept, grace: cleaning });
  };
  /** Tells whoever asked, and whoever runs the server who that was. */
  const told = (request: FastifyRequest, reply: FastifyReply, status: 200 | 202, done: string) => {
    say(`${request.person?.name ?? ''}: ${done}`);
    return isForm(request) ? reply.redirect('/', 303) : reply.code(status).send({ done });
  };
  const change = async (words: readonly string[]) => {
    const { exitCode, stderr } = await run(words, longestChange);
    if (exitCode !== 0) throw new VmkilnError('CHANNEL_REFUSED', stderr.replaceAll(/^vmkiln: /gm, '').trim());
  };

  const channel = z.string().max(63);
  const place = z.string().describe('The folder, as /api/v1/channels has it.');
  app.post(
    '/api/v1/channels/promote',
    {
      config: { role: 'promote' },
      schema: {
        summary: 'Makes an image that passed the boot gate that of a channel, as `vmkiln promote` does',
        body: z.object({ place, channel, image: z.string().describe('A file of the folder.') }),
        response: { 200: doneForm, ...failures },
      },
    },
    async (request, reply) => {
      const { body } = request;
      const images = await (await placeCalled(body.place, sources)).all();
      if (!images.some(({ id }) => id === body.image))
        throw refused(`there is no image ${body.image} in ${body.place}`);
      await change(['promote', `--to=${body.channel}`, `--in=${body.place}/`, '--json', '--', body.image]);
      return told(request, reply, 200, `${body.image} is the image of ${body.channel}`);
    },
  );
  app.post(
    '/api/v1/channels/rollback',
    {
      config: { role: 'promote' },
      schema: {
        summary: 'Goes back to the image that a channel had before, as `vmkiln rollback` does',
        body: z.object({ place, channel }),
        response: { 200: doneForm, ...failures },
      },
    },
    async (request, reply) => {
      const { body } = request;
      await placeCalled(body.place, sources);
      await change(['rollback', `--in=${body.place}/`, '--json', '--', body.channel]);
      return told(request, reply, 200, `${body.channel} has the image before`);
    },
  );
  app.post(
    '/api/v1/factory/build',
    {
      config: { role: 'build' },
      schema: {
        summary:
          'Begins to build an image of the factory, due or not: `vmkiln nightly FACTORY IMAGE`, after a night that is under way',
        body: z.object({ image: z.string() }),
        response: { 202: doneForm, ...failures },
      },
    },
    async (request, reply) => {
      const { image } = request.body;
      const factory = await readFactory(sources, Date.now());
      if (!factory?.entries.some(({ name }) => name === image)) throw refused(`the factory makes no image ${image}`);
      if (building.has(image)) throw refused(`${image} is being built already`);
      const build = run(starter.night(image), longestBuild)
        .then(({ exitCode }) => void (exitCode !== 0 && say(`the build of ${image} ended with status ${exitCode}`)))
        .catch((error: unknown) => say(`the build of ${image}: ${String(error)}`))
        .finally(() => building.delete(image));
      building.set(image, build);
      return told(request, reply, 202, `${image} is built`);
    },
  );
  return async () => void (await Promise.all(building.values()));
}

/** A place of the dashboard, and no other folder. @throws VmkilnError USAGE */
async function placeCalled(name: string, sources: Sources): Promise<ChannelPlace> {
  const place = (await readPlaces(sources)).find((each) => each.name === name);
  if (!place) throw refused(`${name} is no folder of this factory`);
  return place;
}

function refused(message: string): VmkilnError {
  return new VmkilnError('USAGE', message);
}

/** Whether a page has sent it, whose reader wants to see a page. */
export function isForm({ headers }: FastifyRequest): boolean {
  return headers['content-type']?.startsWith('application/x-www-form-urlencoded') ?? false;
}
