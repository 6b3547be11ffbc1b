import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { readSecret } from '../../src/answers/holes.ts';
import type { Family } from '../../src/families/family.ts';
import { familyOf, loadRecipe } from '../../src/families/index.ts';
import { resolveMedia } from '../../src/media/find.ts';
import type { Host, Plan, RenderedFile } from '../../src/model.ts';
import { makePlan, type PlanInput } from '../../src/pipeline/plan.ts';
import { secretMacs } from '../../src/pipeline/secrets.ts';
import { digestFiles } from '../../src/pipeline/unchanged.ts';
import { mediaOf } from '../../src/recipe/media.ts';
import type { Recipe } from '../../src/recipe/recipe.ts';
import { host, planInput } from './plan-input.ts';

/** A recipe that uses every kind of file and secret. */
const recipeText = `name: web
description: for tests
family: rhel
release: '7.9'
source: { iso: media/rhel.iso }
disk: { size: 8G }
machine: { memory: 2G, vcpus: 2, firmware: bios }
language: en_US.UTF-8
keyboard: us
timezone: Etc/UTC
install:
  kickstart: own.ks.hbs
  timeout: 60m
  stallTimeout: 15m
  variables: { role: web }
subscription:
  username: { env: CHANGES_USERNAME }
  password: { file: secrets/rhsm }
  repositories: [rhel-7-server-rpms]
  caCertificate: files/ca.pem
proxy: { url: 'http://proxy.example.com:3128' }
caCertificates: [files/internal.pem]
repositories:
  - { id: internal, baseurl: 'http://repository.example.com/7' }
packages: [cloud-init, tmux, chrony]
cloudInit: { user: cloud-user }
rootPassword: { file: secrets/root }
customize:
  - run: systemctl enable chronyd
  - upload: { from: files/motd, to: /etc/motd, mode: '0644' }
  - run: { script: files/setup.sh }
  - write: { path: /etc/issue, content: hello }
output: { format: qcow2, compression: zlib }
upload:
  - directory: { path: ./images }
hooks: { afterUpload: { run: hooks/notify.mjs, timeout: 5m } }
`;

const files: Record<string, string> = {
  'recipe.yaml': recipeText,
  'own.ks.hbs':
    'lang {{sh language}}\nkeyboard {{sh keyboard}}\ntimezone {{sh timezone}}\n# {{variables.role}}\n%packages\n@core\n%end\n',
  'media/rhel.iso': 'an installer, 7.9',
  'secrets/rhsm': 'secret-1\n',
  'secrets/root': 'root-1\n',
  'files/ca.pem': '-----BEGIN CERTIFICATE-----\ncertificate 1',
  'files/internal.pem': '-----BEGIN CERTIFICATE-----\ninternal 1',
  'files/motd': 'welcome 1',
  'files/setup.sh': 'echo 1\n',
  'hooks/notify.mjs': 'console.log(1)\n',
};

const freshFolder = () => mkdtempSync(join(tmpdir(), 'vmkiln-changes-'));

/** A recipe with its files in a folder of their own, on a machine with a media cache and a key of its own. */
export type World = {
  /** The recipe's folder. */
  folder: string;
  machine: string;
  host: Host;
  username: string;
  variables: Record<string, string>;
  /** What another version of vmkiln would do. */
  family: (family: Family) => Family;
  rendered: (files: readonly RenderedFile[]) => readonly RenderedFile[];
  /** Absolute path of a file in the recipe's folder. */
  path: (file: string) => string;
  /** Replaces a text in a file, which has to be there. */
  edit: (file: string, from: string, to: string) => void;
  /** Writes a file of the folder and gives it back its old times. */
  overwrite: (file: string, text: string) => void;
  /** Moves the recipe with all its files. */
  move: () => void;
};

export function newWorld(): World {
  const folder = freshFolder();
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
    // Older than the time in which a hash is not kept, so that the tests meet kept ones.
    utimesSync(join(folder, file), 1e9, 1e9);
  }
  const world: World = {
    folder,
    machine: freshFolder(),
    host,
    username: 'engineer',
    variables: {},
    family: (family) => family,
    rendered: (all) => all,
    path: (file) => join(world.folder, file),
    edit: (file, from, to) => {
      const text = readFileSync(world.path(file), 'utf8');
      if (!text.includes(from)) throw new Error(`${file} has no ${from}`);
      writeFileSync(world.path(file), text.replaceAll(from, to));
    },
    overwrite: (file, text) => {
      const { atime, mtime } = statSync(world.path(file));
      writeFileSync(world.path(file), text);
      utimesSync(world.path(file), atime, mtime);
    },
    move: () => {
      const to = join(freshFolder(), 'elsewhere');
      cpSync(world.folder, to, { recursive: true });
      rmSync(world.folder, { recursive: true });
      mkdirSync(world.folder);
      world.folder = to;
    },
  };
  return world;
}

/** The plan of a world's recipe, by the way that a build takes. */
export async function planOf(world: World, more: Partial<PlanInput> = {}): Promise<Plan<Recipe>> {
  const signal = new AbortController().signal;
  const { recipe } = await loadRecipe(world.path('recipe.yaml'), world.variables);
  const media = await resolveMedia(
    Object.fromEntries(mediaOf(recipe.source, familyOf(recipe).media).map(({ role, ...medium }) => [role, medium])),
    { mediaDir: join(world.machine, 'media'), signal, progress: () => undefined, download: true },
  );
  const family = world.family(familyOf(recipe));
  const rendered = world.rendered(family.render(recipe));
  const read = (secret: Parameters<typeof readSecret>[0]) =>
    readSecret(secret, { CHANGES_USERNAME: world.username, OTHER: 'root-1' });
  for (const { secret } of rendered.flatMap(({ holes }) => holes)) read(secret);
  const macs = await secretMacs(rendered, read, world.machine, signal);
  const digests = await digestFiles(family.files(recipe), signal);
  const input = { family, host: world.host, media, rendered, files: digests, macs };
  return makePlan(planInput(recipe, { ...input, ...more }));
}
