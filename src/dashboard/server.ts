import cookies from '@fastify/cookie';
import type { Queue } from 'bullmq';
import swagger from '@fastify/swagger';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { jsonSchemaTransform, serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import { messageOf, VmkilnError } from '../errors.ts';
import { harmless } from '../text.ts';
import { version } from '../version.ts';
import { type Access, openAccess } from './access.ts';
import { actionRoutes, isForm, type Starter } from './actions.ts';
import { apiRoutes } from './api.ts';
import { openClouds } from './cloud-channels.ts';
import { type Listen, urlOf } from './listen.ts';
import { pageRoutes } from './page-routes.ts';
import type { Sources } from './state.ts';
import { type Known, newToken, type Role } from './tokens.ts';
import { htmlOf, policy } from './views.ts';

/** In bytes: what is sent here is a token. */
const largestBody = 16 * 1024;

/** A server that listens. `login` is its address with a code that logs in once, where it was asked for one. */
export type Server = { url: string; login: string | undefined; close: () => Promise<void> };

/** `allowed` is what may be changed. `greet`: give an address with which the first of `known` logs in once, without a token. */
export type Options = {
  listen: Listen;
  known: readonly Known[];
  greet: boolean;
  allowed: readonly Role[];
  starter: Starter;
  /** Those of the factory, if it has any. */
  queues: readonly Queue[];
};

/**
 * Starts the dashboard's server.
 *
 * @param say gets what went wrong in an answer, and is no fault of whoever asked.
 * @throws VmkilnError USAGE when it cannot listen there.
 */
export async function startServer(
  sources: Sources,
  { listen, known, greet, allowed, starter, queues }: Options,
  say: (message: string) => void,
): Promise<Server> {
  const app = Fastify({ bodyLimit: largestBody, forceCloseConnections: true, exposeHeadRoutes: false });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  let built = async () => {};
  // Whose name has the port in it, which is known when the server listens.
  const entrance: { access?: Access } = {};
  const accessNow = () => {
    if (!entrance.access) throw new Error('asked before it listens');
    return entrance.access;
  };
  await app.register(cookies);
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'vmkiln dashboard', version: version() },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      security: [{ token: [] }],
    },
    transform: jsonSchemaTransform,
  });
  app.decorateRequest('person', undefined);
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({ ...headers, 'content-security-policy': policy });
    return accessNow().check(request, reply);
  });
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) =>
    done(null, Object.fromEntries(new URLSearchParams(String(body)))),
  );
  app.setErrorHandler((error, request, reply) => answerError(error, request, reply, say));
  app.setNotFoundHandler((request, reply) =>
    answer(request, reply, 404, { code: 'NOT_FOUND', message: 'there is no such page' }),
  );
  // Where the routes are made, the plugins above have to be there.
  await app.register(async (inner) => {
    const clouds = openClouds(sources);
    apiRoutes(inner, sources, clouds);
    pageRoutes(inner, sources, { access: accessNow, clouds, hasQueues: queues.length > 0 });
    built = actionRoutes(inner, sources, { starter, say });
    // Its packages are a matter of those who have a queue.
    if (queues.length > 0) await (await import('./queue-page.ts')).queuePage(inner, queues);
  });
  const port = await listenOn(app, listen);
  const code = greet ? newToken() : undefined;
  const [first] = known;
  entrance.access = openAccess(known, {
    ...{ allowed, port },
    ...(code !== undefined && first && { once: { code, person: first } }),
  });
  const url = urlOf({ ...listen, port });
  const close = async () => {
    await app.close();
    await built();
  };
  return { url, login: code === undefined ? undefined : `${url}/login?code=${code}`, close };
}

/** Of every answer. What is shown is nobody's to keep, to frame or to take for something else. */
const headers = {
  'cache-control': 'no-store',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const;

async function listenOn(app: FastifyInstance, listen: Listen): Promise<number> {
  try {
    await app.listen(listen);
  } catch (cause) {
    await app.close();
    throw new VmkilnError('USAGE', `cannot listen on ${listen.host}:${listen.port}: ${messageOf(cause)}`, {
      hint: 'name another address or port: --listen HOST:PORT',
      cause,
    });
  }
  const address = app.server.address();
  return typeof address === 'object' && address ? address.port : listen.port;
}

/** What whoever asks can do something about is told; the rest is for whoever runs the server. */
function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply, say: (message: string) => void) {
  if (error instanceof VmkilnError) {
    const { code, message, hint } = error;
    return answer(request, reply, 409, { code, message, ...(hint !== undefined && { hint }) });
  }
  const status = (error as { statusCode?: number }).statusCode ?? 500;
  if (status < 500) return answer(request, reply, status, { code: 'BAD_REQUEST', message: messageOf(error) });
  say(
    `${request.method} ${request.routeOptions.url ?? ''}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
  );
  return answer(request, reply, 500, { code: 'UNEXPECTED', message: 'the server has failed: its own output says how' });
}

type Told = { code: string; message: string; hint?: string };

function answer(request: FastifyRequest, reply: FastifyReply, status: number, told: Told): FastifyReply {
  if (request.url.startsWith('/api/') && !isForm(request)) return reply.code(status).send({ error: told });
  const { message, hint = '' } = told;
  const view = { title: `${status}`, message: harmless(message), hint: harmless(hint) };
  return reply.code(status).type('text/html; charset=utf-8').send(htmlOf('message', view));
}
