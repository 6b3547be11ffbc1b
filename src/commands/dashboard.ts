import { once } from 'node:events';
import { resolve } from 'node:path';
import { isLoopback, parseListen } from '../dashboard/listen.ts';
import { knownBy, newToken, readTokens, type Role, roles } from '../dashboard/tokens.ts';
import { VmkilnError } from '../errors.ts';
import type { Queue } from 'bullmq';
import { type Job, readJobs } from '../factory/jobs.ts';
import { queueAddress, type QueueOptions } from '../factory/queue-address.ts';
import type { World } from '../model.ts';
import { loadFactory } from '../factory/load.ts';
import { openPaths } from '../pipeline/request.ts';
import { readVariables } from '../recipe/variables.ts';
import type { CommandContext } from '../ui/ui.ts';

type DashboardOptions = Partial<QueueOptions> & {
  set: string[];
  vars?: string;
  listen: string;
  tokens?: string;
  allow: string[];
};

/**
 * `vmkiln factory dashboard`: serves the pages and the API until it is stopped, which is its end: status 0.
 *
 * @throws VmkilnError USAGE when the address or the tokens will not do, FACTORY_INVALID, VARIABLE_INVALID, TOOL_MISSING without its packages.
 */
export async function dashboard(
  file: string | undefined,
  options: DashboardOptions,
  { signal, world, say }: CommandContext,
): Promise<void> {
  const listen = parseListen(options.listen);
  const allow = allowedOf(options.allow);
  const path = options.tokens ?? (world.env['VMKILN_DASHBOARD_TOKENS'] || undefined);
  if (path === undefined && !isLoopback(listen)) {
    throw new VmkilnError('USAGE', `other hosts reach ${listen.host}, and nobody but you would know the token`, {
      hint: 'give a file of tokens with --tokens, or listen on 127.0.0.1',
    });
  }
  const token = newToken();
  const known =
    path === undefined ? [knownBy(token, { name: 'you', roles })] : await readTokens(resolve(world.cwd, path));
  const variables = await readVariables(options);
  const load = file === undefined ? undefined : () => loadFactory(file, variables, world.cwd);
  const vars = options.vars === undefined ? [] : [`--vars=${resolve(world.cwd, options.vars)}`];
  const words = ['nightly', '--if-running=wait', ...options.set.map((each) => `--set=${each}`), ...vars];
  const starter = {
    command: [process.execPath, resolve(world.cwd, process.argv[1] ?? '')],
    night: (image: string) => [...words, '--', ...(file === undefined ? [] : [file]), image],
  };
  // A mistake in the factory is told now.
  const jobs = load && (await readJobs(await load(), world));
  const opened = await openQueuesOf(options, load && { name: (await load()).factory.name, jobs: jobs ?? [] }, {
    signal,
    world,
    say,
  });
  const { startServer } = await import('../dashboard/server.ts').catch(withoutPackages);
  const sources = { world: opened.world, signal, load, paths: await openPaths(world) };
  const server = await startServer(
    sources,
    { listen, known, greet: path === undefined, allowed: ['view', ...allow], starter, queues: opened.queues },
    say,
  );
  process.stdout.write(`${server.login ?? server.url}\n`);
  if (path === undefined) {
    say(`the address logs in once; after that, and for programs, the token is ${token}`);
    say('it ends with this process: --tokens FILE has some that stay');
  } else if (!isLoopback(listen)) {
    say('nothing is encrypted: let a proxy with TLS stand before it');
  }
  if (!signal.aborted) await once(signal, 'abort');
  await server.close();
  await opened.close();
}

type Opened = { queues: Queue[]; world: World; close: () => Promise<void> };

/** The queues to show. What begins builds does not see their password. @throws VmkilnError USAGE, SECRET_MISSING, QUEUE_FAILED */
async function openQueuesOf(
  { queue, queuePassword, queueCa }: Partial<QueueOptions>,
  factory: { name: string; jobs: readonly Job[] } | undefined,
  { world, say, signal }: Pick<CommandContext, 'world' | 'say' | 'signal'>,
): Promise<Opened> {
  if (queue === undefined) return { queues: [], world, close: async () => undefined };
  if (!factory) {
    throw new VmkilnError('USAGE', '--queue is given without a factory', {
      hint: 'its entries say which queues there are: vmkiln factory dashboard factory.yaml --queue …',
    });
  }
  const address = queueAddress(
    { queue, ...(queuePassword !== undefined && { queuePassword }), ...(queueCa !== undefined && { queueCa }) },
    world.env,
  );
  const { openQueues } = await import('../factory/queue-store.ts');
  const { allQueues } = await import('../factory/queue-jobs.ts');
  const store = await openQueues(address, ({ message }) => say(message), signal);
  const { secretVariable: hidden } = address;
  return {
    queues: allQueues(factory.name, factory.jobs).map(store.queue),
    world: hidden === undefined ? world : { ...world, env: { ...world.env, [hidden]: '' } },
    close: store.close,
  };
}

/** @throws VmkilnError TOOL_MISSING */
function withoutPackages(cause: unknown): never {
  const name = /Cannot find package '([^']+)'/.exec(cause instanceof Error ? cause.message : '')?.[1];
  if (name === undefined) throw cause;
  throw new VmkilnError(
    'TOOL_MISSING',
    `the dashboard needs the package ${name}, which is optional and not installed`,
    {
      hint: 'npm install --global --include=optional vmkiln',
      cause,
    },
  );
}

/** What `--allow` names. @throws VmkilnError USAGE */
function allowedOf(words: readonly string[]): Role[] {
  const named = words.flatMap((each) => each.split(','));
  const changes = roles.filter((role) => role !== 'view');
  const wrong = named.find((word) => !(changes as readonly string[]).includes(word));
  if (wrong === undefined) return changes.filter((role) => named.includes(role));
  throw new VmkilnError('USAGE', `--allow ${wrong} means nothing`, { hint: `it takes ${changes.join(', ')}, or both` });
}
