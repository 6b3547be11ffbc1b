import type { FastifyInstance, FastifyReply } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { messageOf } from '../errors.ts';
import { policy as reportPolicy, htmlOf as reportOf } from '../report/html.ts';
import { indexView } from '../report/index-page.ts';
import { nightView } from '../report/night-page.ts';
import { neighboursOf, pageOf } from '../report/write.ts';
import { allHarmless } from '../text.ts';
import type { Access } from './access.ts';
import type { Clouds } from './cloud-channels.ts';
import { findOne, follow } from './api.ts';
import { asText, logOf, openScreens } from './live.ts';
import { channelsOf, readBuilds, readFactory, readHost, readLatestNights, readPlaces, type Sources } from './state.ts';
import { htmlOf, liveView, overviewView } from './views.ts';

const html = 'text/html; charset=utf-8';

/** What people look at: the overview, the pages of `vmkiln report`, the live page of a build; and the login. */
export function pageRoutes(
  plain: FastifyInstance,
  sources: Sources,
  { access, clouds, hasQueues }: { access: () => Access; clouds: Clouds; hasQueues: boolean },
): void {
  const app = plain.withTypeProvider<ZodTypeProvider>();
  const screens = openScreens(sources);
  const hide = { hide: true } as const;

  app.get('/', { schema: hide }, async ({ person }, reply) => {
    const may = { build: access().may(person, 'build'), promote: access().may(person, 'promote') };
    reply.type(html);
    return htmlOf('overview', overviewView({ ...(await overview(sources, clouds, may)), hasQueues }, Date.now()));
  });
  // As `vmkiln report --all` and the nights write them: beside each other.
  app.get(
    '/pages/:file',
    { schema: { ...hide, params: z.object({ file: z.string() }) } },
    async ({ params: { file } }, reply) => {
      const page = await reportPage(file.replace(/\.html$/, ''), sources);
      if (page === undefined) return reply.callNotFound();
      return reply.type(html).header('content-security-policy', reportPolicy).send(page);
    },
  );

  const ofBuild = { ...hide, params: z.object({ build: z.string() }) };
  app.get('/live/:build', { schema: ofBuild }, async ({ params }, reply) => {
    const build = await findOne(params.build, sources);
    return build ? reply.type(html).send(htmlOf('live', liveView(build, await logOf(build)))) : reply.callNotFound();
  });
  const after = z.object({ after: z.coerce.number().int().min(0).default(0) });
  app.get('/live/:build/log', { schema: { ...ofBuild, querystring: after } }, async (request, reply) => {
    const build = await findOne(request.params.build, sources);
    if (!build) return reply.callNotFound();
    return follow(request, reply, { build, after: request.query.after, shape: asText() }, sources);
  });
  app.get('/live/:build/screen.png', { schema: ofBuild }, async ({ params }, reply) => {
    const build = await findOne(params.build, sources);
    const picture = build && (await screens(build.build));
    return picture ? reply.type('image/png').send(picture) : reply.callNotFound();
  });

  const come = (reply: FastifyReply, session: string | undefined) => {
    if (session === undefined) {
      const problem = 'This token is not known, or the address was used before.';
      return reply
        .code(401)
        .type(html)
        .send(htmlOf('login', { title: 'Log in', problem }));
    }
    const cookie = { path: '/', httpOnly: true, sameSite: 'strict' } as const;
    return reply.setCookie(access().cookie, session, cookie).redirect('/', 303);
  };
  const code = z.object({ code: z.string().optional() });
  app.get('/login', { config: { open: true }, schema: { ...hide, querystring: code } }, async ({ query }, reply) =>
    query.code === undefined
      ? reply.type(html).send(htmlOf('login', { title: 'Log in', problem: '' }))
      : come(reply, access().logIn({ code: query.code })),
  );
  const token = z.object({ token: z.string() });
  app.post('/login', { config: { open: true }, schema: { ...hide, body: token } }, async ({ body }, reply) =>
    come(reply, access().logIn({ token: body.token.trim() })),
  );
  app.post('/logout', { schema: hide }, async (request, reply) => {
    const { cookie } = access();
    access().logOut(request.cookies[cookie] ?? '');
    return reply.clearCookie(cookie, { path: '/' }).redirect('/login', 303);
  });
}

/** What there is to see; what cannot be read is told in its place. */
async function overview(
  sources: Sources,
  clouds: Clouds,
  may: { build: boolean; promote: boolean },
): Promise<Omit<Parameters<typeof overviewView>[0], 'hasQueues'>> {
  const problems: string[] = [];
  const or = async <T>(found: Promise<T>, instead: T) =>
    found.catch((error: unknown) => {
      problems.push(messageOf(error));
      return instead;
    });
  const places = await or(readPlaces(sources), []);
  const images = places.map(async (place) => (await place.all()).map((image) => ({ ...image, place: place.name })));
  const [builds, nights, factory, channels, elsewhere, candidates, host] = await Promise.all([
    readBuilds(sources),
    or(readLatestNights(sources), []),
    or(readFactory(sources, Date.now()), undefined),
    or(channelsOf(places), []),
    or(clouds(), []),
    may.promote ? or(Promise.all(images), []) : [],
    readHost(sources),
  ]);
  problems.push(...elsewhere.flatMap(({ problem }) => (problem === undefined ? [] : [problem])));
  return {
    builds,
    nights,
    factory,
    channels,
    elsewhere: elsewhere.flatMap((cloud) => cloud.channels),
    candidates: candidates.flat(),
    may,
    host,
    problems: [...new Set(problems)],
  };
}

/** The page of a build or a night, or the index over all builds. */
async function reportPage(id: string, sources: Sources): Promise<string | undefined> {
  const all = allHarmless(await readBuilds(sources));
  if (id === 'index') return reportOf({ kind: 'index', view: indexView(all) });
  const build = await findOne(id, sources);
  const at = all.findIndex(({ folder }) => folder === build?.folder);
  if (build) return pageOf(build, all, at < 0 ? undefined : { ...neighboursOf(all, at), index: '/' });
  const night = (await readLatestNights(sources)).find((each) => each.night === id);
  return (
    night && reportOf({ kind: 'night', view: nightView(allHarmless(night), new Set(all.map((each) => each.build))) })
  );
}
