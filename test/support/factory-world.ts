import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { VmkilnError } from '../../src/errors.ts';
import { readJobs } from '../../src/factory/jobs.ts';
import { loadFactory } from '../../src/factory/load.ts';
import { type NightContext, type NightOptions, runNight } from '../../src/factory/night.ts';
import type { NightSummary } from '../../src/factory/summary.ts';
import type { Version } from '../../src/factory/versions.ts';
import type { Plan } from '../../src/model.ts';
import { hash } from '../../src/pipeline/fingerprint.ts';
import { type BuildRequest, readRecipe } from '../../src/pipeline/request.ts';
import type { Recipe } from '../../src/recipe/recipe.ts';
import { channelOf } from '../../src/recipe/media.ts';
import { openFolder } from '../../src/targets/directory/channels.ts';
import { inventory } from './inventory.ts';
import { serialNow } from '../../src/targets/serial.ts';
import { publishImage } from './publish-image.ts';
import type { About } from './statements.ts';
import { freshFolder } from './vmkiln.ts';

/** A build that a night has asked for, and the stage that it was to begin with. */
type Asked = { name: string; from: string | undefined };

/** Servers and recipes of a factory, whose builds are made in no time: what is installed is what the repositories have, or less. */
export type FactoryWorld = {
  folder: string;
  /** The address of the server. */
  url: string;
  /** What it has, by its paths. */
  files: Map<string, Buffer | string>;
  /** The paths that were asked for. */
  requests: string[];
  builds: Asked[];
  /** Called before each build, which fails when it throws. */
  before: (name: string, context: { signal: AbortSignal }) => void | Promise<void>;
  /** What is installed in an image at first; after a build it is the newest of what `brings` lets through. */
  installed: Map<string, Version[]>;
  /** What plans say of the stage that brings packages. */
  forecast: 'run' | 'reuse';
  brings: (name: string, update: Version) => boolean;
  /** Images are published with statements that say so; without, a file stands for each. */
  says?: () => Partial<About>;
  /** What such an image contains; by default it names its build. */
  bytes?: string;
  write: (file: string, text: string) => string;
  rpm: (name: string, packages: readonly Version[], packing?: 'gz' | 'xz' | 'zst') => void;
  deb: (name: string, packages: readonly Version[]) => void;
  night: (
    file: string,
    options?: Partial<NightOptions> & Pick<NightContext, 'id' | 'make'> & { only?: string[]; signal?: AbortSignal },
  ) => Promise<NightSummary>;
  close: () => void;
};

export const rpmOf = (name: string, version: string, more: Partial<Version> = {}): Version => {
  return { type: 'rpm', name, version, release: '1.el9', arch: 'x86_64', ...more };
};
export const debOf = (name: string, version: string): Version => ({ type: 'deb', name, version, arch: 'amd64' });

export async function factoryWorld(): Promise<FactoryWorld> {
  const folder = freshFolder('factory');
  const files: FactoryWorld['files'] = new Map();
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    requests.push(path);
    const body = files.get(path);
    if (body === undefined) return void response.writeHead(404).end();
    response.writeHead(200, { etag: `"${sha256(body)}"`, 'content-length': Buffer.byteLength(body) }).end(body);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const world: FactoryWorld = {
    ...{ folder, files, requests, builds: [], installed: new Map() },
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    before: () => undefined,
    forecast: 'run',
    brings: () => true,
    write: (file, text) => {
      writeFileSync(join(folder, file), text);
      return join(folder, file);
    },
    rpm: (name, packages, packing = 'gz') => addRpms(files, name, packages, packing),
    deb: (name, packages) => addDebs(files, name, packages),
    night: (file, { only = [], signal, id, make, ...options } = {}) =>
      night(world, file, { only, signal, options, own: { ...(id !== undefined && { id }), ...(make && { make }) } }),
    close: () => close(server),
  };
  return world;
}

function close(server: Server): void {
  server.closeAllConnections();
  server.close();
}

async function night(
  world: FactoryWorld,
  file: string,
  {
    only,
    signal,
    options,
    own: given,
  }: {
    only: string[];
    signal: AbortSignal | undefined;
    options: Partial<NightOptions>;
    own: Pick<NightContext, 'id' | 'make'>;
  },
): Promise<NightSummary> {
  const own = { env: { VMKILN_HOME: join(world.folder, 'home') }, cwd: world.folder };
  const loaded = await loadFactory(file, { values: {}, shared: new Set() }, own.cwd);
  const jobs = (await readJobs(loaded, own)).filter(({ name }) => only.length === 0 || only.includes(name));
  const context: NightContext = {
    ...{ signal: signal ?? new AbortController().signal, world: own },
    ...{ emit: () => undefined, ended: () => undefined, say: () => undefined },
    ...given,
    pipeline: {
      plan: (request) => plan(request, own, world.forecast),
      build: async (request, { signal: stop }) => {
        const { name, recipe } = await readRecipe(request, own);
        await world.before(name, { signal: stop });
        if (stop.aborted) throw stop.reason;
        world.builds.push({ name, from: request.from });
        return built(world, name, recipe, await plan(request, own, world.forecast));
      },
    },
  };
  const wanted = { dryRun: false, asked: only.length > 0, ifRunning: 'leave' as const, ...options };
  const summary = await runNight(loaded, jobs, wanted, context);
  if (!summary) throw new VmkilnError('INTERRUPTED', 'another night is under way');
  return summary;
}

/** Stages with fingerprints of what they depend on, as a plan has them. */
async function plan(
  request: BuildRequest,
  world: { env: Record<string, string>; cwd: string },
  forecast: string,
): Promise<Plan<Recipe>> {
  const { recipe } = await readRecipe(request, world);
  const { source, upload: _upload, name: _name, ...rest } = recipe;
  const image = source['image'];
  const content = typeof image === 'string' ? await contentOf(image) : '';
  const base = hash([source, content]);
  const step = (stage: string, keys: Record<string, unknown>, more = {}) => ({
    ...{ stage, commands: [], forecast: 'run', because: '', fresh: false, ...more },
    fingerprint: hash([stage, base, keys]),
    parts: [
      { from: 'source', hash: base },
      ...Object.entries(keys).map(([from, value]) => ({ from, hash: hash(value) })),
    ],
  });
  const { customize, packages, ...other } = rest as Record<string, unknown>;
  const stages = [
    step('customize', { packages }, { maxAge: 72_000, forecast }),
    step('sysprep', { customize, ...other }),
    step('upload', {}),
  ];
  return { version: 2, recipe, stages } as unknown as Plan<Recipe>;
}

/** What tells the image that a build starts from. @throws VmkilnError CHANNEL_REFUSED, USAGE for a channel without one */
async function contentOf(image: string): Promise<string> {
  const from = channelOf(image);
  if (!from) return existsSync(image) ? readFileSync(image, 'utf8') : '';
  const place = await openFolder(from.place, { signal, progress: () => undefined });
  return (await place.resolve(from.channel)).sha256;
}

const signal = new AbortController().signal;

async function built(world: FactoryWorld, name: string, recipe: Recipe, made: Plan<Recipe>) {
  const build = `${name}-${serialNow()}`;
  const folder = join(world.folder, 'home/state/builds', build);
  mkdirSync(folder, { recursive: true });
  const before = world.installed.get(name) ?? [];
  const after = before.map((each) => {
    const there = [...available(world, recipe).values()].flat().filter((other) => other.name === each.name);
    return there.find((other) => other.version > each.version && world.brings(name, other)) ?? each;
  });
  world.installed.set(name, after);
  writeFileSync(join(folder, 'plan.json'), JSON.stringify(made));
  writeFileSync(join(folder, 'inventory.json'), JSON.stringify({ ...inventory(), packages: after }));
  const published = await (world.says ? publish(world, name, build, folder) : put(world, name, build));
  return { build, folder, published: [published] };
}

/** In no time, for nights that have a hundred of them. */
function put(world: FactoryWorld, name: string, build: string) {
  const path = join(world.folder, 'images', `${name}.qcow2`);
  mkdirSync(join(world.folder, 'images'), { recursive: true });
  writeFileSync(path, `${name} of ${build}`);
  return { target: 'directory', location: path, sha256: hash(path), size: 1, unchanged: false };
}

/** As a build does. */
function publish(world: FactoryWorld, name: string, build: string, folder: string) {
  const path = join(folder, 'image');
  const images = join(world.folder, 'images');
  writeFileSync(path, world.bytes ?? `${name} of ${build}`);
  mkdirSync(images, { recursive: true });
  return publishImage(path, images, { name, format: 'qcow2', build, about: world.says?.() ?? {} });
}

/** Everything that was put into repositories of a recipe: the test's own note of it. */
function available(world: FactoryWorld, recipe: Recipe): Map<string, Version[]> {
  const text = JSON.stringify(recipe);
  return new Map([...(notes.get(world.files) ?? [])].filter(([name]) => text.includes(`/${name}`)));
}

const notes = new WeakMap<object, Map<string, Version[]>>();

function note(files: FactoryWorld['files'], name: string, packages: readonly Version[]): void {
  const all = notes.get(files) ?? new Map<string, Version[]>();
  notes.set(files, all.set(name, [...packages]));
}

function addRpms(
  files: FactoryWorld['files'],
  name: string,
  packages: readonly Version[],
  packing: 'gz' | 'xz' | 'zst',
): void {
  note(files, name, packages);
  const entries = packages.map(
    ({ name: own, arch, epoch = 0, version, release }) =>
      `<package type="rpm"><name>${own}</name><arch>${arch}</arch><version epoch="${epoch}" ver="${version}" rel="${release}"/>` +
      `<summary>R &amp; D</summary><format><rpm:requires><rpm:entry name="glibc" flags="GE" epoch="0" ver="2.34"/></rpm:requires></format></package>`,
  );
  const xml = `<?xml version="1.0"?>\n<metadata xmlns="common" xmlns:rpm="rpm" packages="${packages.length}">\n${entries.join('\n')}\n</metadata>\n`;
  const program = { xz: ['xz', '-c'], zst: ['zstd', '-qc'] } as const;
  const packed =
    packing === 'gz' ? gzipSync(xml) : execFileSync(program[packing][0], [program[packing][1]], { input: xml });
  const file = `repodata/${sha256(packed)}-primary.xml.${packing}`;
  files.set(`/${name}/${file}`, packed);
  files.set(
    `/${name}/repodata/repomd.xml`,
    `<repomd><revision>1</revision><data type="filelists"><checksum type="sha256">0</checksum><location href="x"/></data>` +
      `<data type="primary"><checksum type="sha256">${sha256(packed)}</checksum><location href="${file}"/></data></repomd>`,
  );
}

function addDebs(files: FactoryWorld['files'], name: string, packages: readonly Version[]): void {
  note(files, name, packages);
  const text = packages
    .map(
      ({ name: own, version, arch }) =>
        `Package: ${own}\nArchitecture: ${arch}\nVersion: ${version}\nDescription: x\n y\n`,
    )
    .join('\n');
  const packed = gzipSync(text);
  files.set(`/${name}/dists/stable/main/binary-amd64/Packages.gz`, packed);
  const lists = [
    ` ${sha256(text)} ${text.length} main/binary-amd64/Packages`,
    ` ${sha256(packed)} ${packed.length} main/binary-amd64/Packages.gz`,
    ` ${'0'.repeat(64)} 1 main/binary-arm64/Packages.gz`,
  ];
  const release = `Origin: Test\nDate: ${new Date().toUTCString()}\nSHA256:\n${lists.join('\n')}\n`;
  files.set(
    `/${name}/dists/stable/InRelease`,
    `-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n${release}-----BEGIN PGP SIGNATURE-----\n`,
  );
}

function sha256(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}
