import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { FastifyAdapter } from '@bull-board/fastify';
import type { Queue } from 'bullmq';
import type { FastifyInstance } from 'fastify';

/** Where the page of the queues is. */
export const queuePath = '/queues';

/**
 * The page is bull-board's, whose programs and styles lie on this server. It asks another one for its fonts, which is refused: the system's do. Styles
 * are in its elements.
 */
const policy = [
  ...["default-src 'none'", "script-src 'self'", "style-src 'self' 'unsafe-inline'", "img-src 'self' data:"],
  ...["connect-src 'self'", "base-uri 'self'", "form-action 'none'", "frame-ancestors 'none'"],
].join('; ');

/** The queues as bull-board shows them. Nothing is changed there: `vmkiln factory` does that. */
export async function queuePage(app: FastifyInstance, queues: readonly Queue[]): Promise<void> {
  const server = new FastifyAdapter();
  server.setBasePath(queuePath);
  createBullBoard({
    queues: queues.map((queue) => new BullMQAdapter(queue, { readOnlyMode: true })),
    serverAdapter: server,
    options: { uiConfig: { boardTitle: 'Queues of vmkiln' } },
  });
  await app.register(
    async (inner) => {
      inner.addHook('onRequest', async (request, reply) => {
        reply.header('content-security-policy', policy);
        if (!['GET', 'HEAD'].includes(request.method)) return reply.code(405).send();
        return undefined;
      });
      await inner.register(server.registerPlugin());
    },
    { prefix: queuePath },
  );
}
