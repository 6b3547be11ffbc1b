// What all contenders share: the practice DVD, the recipes, the rendered files, the facts of the host.
import { existsSync, linkSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { basename, join } from 'node:path';
import { ask, start } from './programs.mjs';

export const project = join(import.meta.dirname, '../..');
export const cli = join(project, 'dist/cli.js');
const release = '7.9';

/** What the recipes of the benchmark have in common. */
const common = [
  'family: rhel',
  `release: '${release}'`,
  "source: { iso: '${iso:-none.iso}' }",
  'disk: { size: 8G }',
  'machine: { memory: 2G, vcpus: 2, firmware: bios }',
];
/** What the other contenders do not do. */
const ungated = ['verify: false', 'describe: false'];
const packages = [
  'repositories:',
  "  - { id: practice, name: Practice, baseurl: 'http://repository.example.com/' }",
  'packages: [cloud-utils-growpart, cloud-init]',
];
const step = (text) => ['customize:', `  - write: { path: /etc/motd, content: "${text}\\n" }`];
const preinstalled = ['install: { kickstart: preinstalled.ks }'];

/** Recipes that differ in their name and one step, of which several are built together. */
export const siblings = ['web', 'database', 'worker', 'cache', 'proxy', 'mail', 'queue', 'search', 'batch', 'edge'];

/** Recipes by name. `gated` is `bench` as it would be without a word; `after` and `lean` start from an installation that has cloud-init already. */
const recipes = {
  bench: [...packages, ...ungated],
  gated: packages,
  edited: [...packages, ...ungated, ...step('edited')],
  ...Object.fromEntries(siblings.map((name) => [name, [...packages, ...ungated, ...step(name)]])),
  after: [...packages, ...ungated, ...preinstalled],
  lean: ['output: { format: qcow2, compression: zstd }', ...ungated, ...preinstalled],
};

/** Recipes of which the image is that of `bench`: they keep its name. */
const sameImage = ['edited', 'gated'];

/** Writes the recipes into a folder and returns their paths by name. */
export function writeRecipes(folder) {
  const kickstart = readFileSync(join(project, 'kickstart/rhel7.ks.hbs'), 'utf8');
  writeFileSync(
    join(folder, 'preinstalled.ks'),
    kickstart.replace(/^@core$/m, '@core\ncloud-init\ncloud-utils-growpart'),
  );
  const paths = Object.entries(recipes).map(([name, lines]) => {
    const path = join(folder, `${name}.yaml`);
    const title = sameImage.includes(name) ? 'bench' : name;
    writeFileSync(path, `${[`name: ${title}`, ...common, ...lines].join('\n')}\n`);
    return [name, path];
  });
  return Object.fromEntries(paths);
}

/**
 * The practice DVD in `folder`, on the disk that everything is measured on. It is made in the machine's own cache, once, which
 * is not part of any measurement.
 */
export async function practiceDvd(folder) {
  const { practiceDvd: find } = await import(`${project}/dist/rehearsal/practice-dvd.js`);
  const { ensurePaths, statePaths } = await import(`${project}/dist/store/paths.js`);
  const paths = statePaths(process.env, process.getuid());
  await ensurePaths(paths);
  const run = async ({ program, args, env, cwd }) => {
    await start(program, args, { env, cwd, log: join(folder, 'practice-dvd.log') }).done;
    return { stdout: '' };
  };
  const { signal } = new AbortController();
  const { path } = await find(release, { cacheDir: paths.cache, workDir: paths.work, run, signal });
  const copy = join(folder, basename(path));
  ask('cp', [path, copy]);
  ask('chmod', ['0644', copy]);
  return copy;
}

/** A VMKILN_HOME that has the practice DVD in its cache, and nothing else. */
export function freshHome(folder, name, dvd) {
  const home = join(folder, name);
  const practice = join(home, 'cache/practice');
  mkdirSync(practice, { recursive: true, mode: 0o711 });
  const place = join(practice, basename(dvd));
  if (!existsSync(place)) linkSync(dvd, place);
  return home;
}

/** What vmkiln has found out about this host, and the kernel arguments it gives the installer. */
export function hostFacts(recipe, dvd, home) {
  const plan = JSON.parse(
    ask(process.execPath, [cli, 'plan', recipe, '--set', `iso=${dvd}`, '--json'], { env: { VMKILN_HOME: home } }),
  );
  const { host } = plan;
  const argv = plan.stages.find(({ stage }) => stage === 'install').commands.flatMap(({ argv: words }) => words);
  const extra = argv[argv.indexOf('--extra-args') + 1];
  const { network } = host;
  return {
    connect: host.connect,
    accelerator: host.accelerator,
    network: network.kind === 'user' ? 'user' : `${network.kind}=${network.name}`,
    kernelArguments: extra.replace(/^inst\.ks=\S+ /, ''),
    versions: host.versions,
  };
}

/** The machine, named. Sizes in bytes. `packer` is its version, undefined where it was never measured. */
export function machine({ versions, accelerator }, packer) {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memory: totalmem(),
    accelerator,
    versions: { ...versions, ...(packer && { packer }), node: process.versions.node },
  };
}
