// The parts of the benchmark. Each measures, and returns its raw figures.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { contentsOf } from './contents.mjs';
import { afterInstallTime, ownTime, parseEvents, stageTimes } from './events.mjs';
import { measure } from './measure.mjs';
import { ask, start } from './programs.mjs';
import { cli, freshHome, siblings } from './setting.mjs';

/** How often an answer that takes about a second, or less, is asked for. */
const unchangedRuns = 5;
const startupRuns = 15;

/** The parts in the order they run. `setting` is what main.mjs prepares. */
export const parts = {
  startup: async ({ recipes }) => startup(recipes.bench),
  guide: async (setting) => {
    const run = await shell('guide', setting, 'guide.sh', ['all']);
    return { run, steps: stepsOf(run.folder), ...image(join(run.folder, 'rhel7-cloud.qcow2'), setting) };
  },
  packer: async (setting) => {
    const run = await shell('packer', setting, 'packer.sh', []);
    const output = join(run.folder, 'output');
    const steps = stepsOf(output);
    const rest = run.seconds - Object.values(steps).reduce((sum, each) => sum + each, 0);
    return { run, steps: { install: rest, ...steps }, ...image(join(output, 'rhel7-cloud.qcow2'), setting) };
  },
  cold: async (setting) => {
    const run = await vmkiln('cold', setting, ['bench']);
    setting.built = true;
    return { ...run, ...image(join(setting.folder, 'cold.images/bench-rehearsal.qcow2'), setting) };
  },
  unchanged: async (setting) => {
    await needCold(setting);
    const runs = [];
    for (let each = 0; each < unchangedRuns; each++) runs.push(await vmkiln('cold', setting, ['bench']));
    return runs.toSorted((a, b) => a.run.seconds - b.run.seconds)[Math.floor(unchangedRuns / 2)];
  },
  edit: async (setting) => {
    await needCold(setting);
    return vmkiln('cold', setting, ['edited']);
  },
  gate: async (setting) => {
    await needCold(setting);
    return vmkiln('cold', setting, ['gated']);
  },
  after: async (setting) => {
    await vmkiln('after', setting, ['after'], ['--until', 'install']);
    const layers = join(setting.folder, 'after/cache/checkpoints');
    const [disk] = readdirSync(layers).filter((name) => name.endsWith('.qcow2'));
    const copy = fresh(setting, 'after-guide');
    ask('cp', ['--sparse=always', join(layers, disk), join(copy, 'rhel7.qcow2')]);
    const run = await shell('after-guide', setting, 'guide.sh', ['finish']);
    const guide = { run, steps: stepsOf(run.folder), ...image(join(copy, 'rhel7-cloud.qcow2'), setting) };
    const finish = async (recipe) => {
      const built = await vmkiln('after', setting, [recipe]);
      return { ...built, ...image(join(setting.folder, `after.images/${recipe}-rehearsal.qcow2`), setting) };
    };
    return { guide, vmkiln: await finish('after'), lean: await finish('lean') };
  },
  three: (setting) => together('three', setting, siblings.slice(0, 3)),
  ten: (setting) => together('ten', setting, siblings),
};

/** Several recipes from empty caches: as many stages at once as there is room for, then one build after the other. */
async function together(name, setting, recipes) {
  const parallel = await vmkiln(`${name}-parallel`, setting, recipes);
  rmSync(join(setting.folder, `${name}-parallel`), { recursive: true });
  const sequential = await vmkiln(`${name}-sequential`, setting, recipes, ['--jobs', '1']);
  rmSync(join(setting.folder, `${name}-sequential`), { recursive: true });
  return { parallel, sequential };
}

/** A rebuild needs a build before it; when that is not among the chosen parts, it is made without being measured. */
async function needCold(setting) {
  if (!setting.built) await vmkiln('cold', setting, ['bench']);
  setting.built = true;
}

function fresh({ folder }, name) {
  const path = join(folder, name);
  mkdirSync(path, { recursive: true, mode: 0o711 });
  return path;
}

/** Runs guide.sh or packer.sh in a folder of its own. */
async function shell(name, setting, script, args) {
  const { facts, dvd, files, domain, guestfs } = setting;
  const folder = fresh(setting, name);
  const env = {
    ...guestfs,
    DVD: dvd,
    FILES: files,
    CONNECT: facts.connect,
    VIRT_TYPE: facts.accelerator === 'kvm' ? 'kvm' : 'qemu',
    ACCELERATOR: facts.accelerator,
    NETWORK: facts.network,
    KERNEL_ARGUMENTS: facts.kernelArguments,
    DOMAIN: domain,
  };
  const cleansUp = script === 'packer.sh';
  const log = join(folder, 'log');
  const figures = await measure(join(import.meta.dirname, script), args, { folder, cwd: folder, env, log, cleansUp });
  return { folder, ...figures };
}

/** Rehearses recipes with the VMKILN_HOME of that name, which is made when it is not there. */
async function vmkiln(home, setting, recipes, options = []) {
  const { folder, dvd } = setting;
  const path = freshHome(folder, home, dvd);
  setting.count = (setting.count ?? 0) + 1;
  const stdout = join(folder, `events-${setting.count}.ndjson`);
  const args = [cli, 'rehearse', ...recipes.map((name) => setting.recipes[name])];
  const out = ['--out', join(folder, `${home}.images`), '--ui', 'json'];
  const run = await measure(process.execPath, [...args, ...out, ...options], {
    folder,
    cwd: folder,
    env: { VMKILN_HOME: path },
    log: join(folder, 'vmkiln.log'),
    stdout,
    cleansUp: true,
  });
  const events = parseEvents(readFileSync(stdout, 'utf8'));
  const steps = stageTimes(events);
  if (recipes.length > 1) return { run };
  return { run, steps, ...ownTime(events), ...(steps.sparsify && { afterInstall: afterInstallTime(events) }) };
}

/** Size in bytes and compared contents of a finished image. */
function image(path, { guestfs, say }) {
  say('looks into the image');
  const info = JSON.parse(ask('qemu-img', ['info', '-f', 'qcow2', '--output=json', path]));
  return { imageBytes: info['actual-size'], contents: contentsOf(path, guestfs) };
}

/** The file `steps` that guide.sh leaves: a name and seconds per line. */
function stepsOf(folder) {
  const lines = readFileSync(join(folder, 'steps'), 'utf8').trim().split('\n');
  return Object.fromEntries(lines.map((line) => line.split(' ')).map(([name, seconds]) => [name, Number(seconds)]));
}

/** Milliseconds that commands take to answer, as medians; in turns, so that a busy moment meets all of them. */
function startup(recipe) {
  const commands = {
    'node -e 0': ['-e', '0'],
    'vmkiln --version': [cli, '--version'],
    'vmkiln --help': [cli, '--help'],
    'vmkiln validate': [cli, 'validate', recipe],
  };
  const times = Object.fromEntries(Object.keys(commands).map((name) => [name, []]));
  for (let round = 0; round <= startupRuns; round++) {
    for (const [name, args] of Object.entries(commands)) {
      const begun = performance.now();
      const { status } = spawnSync(process.execPath, args, { stdio: 'ignore' });
      if (status !== 0) throw new Error(`${name} ended with ${status}`);
      // The first round only warms the page cache.
      if (round > 0) times[name].push(performance.now() - begun);
    }
  }
  const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
  return Object.fromEntries(Object.entries(times).map(([name, values]) => [name, median(values)]));
}

/** Boots an appliance once, so that its cached parts (supermin's) are there for every contender. */
export async function warmUp({ folder, dvd, guestfs }) {
  // Nobody is to be the first who reads the DVD.
  ask('cp', [dvd, '/dev/null']);
  await start('guestfish', ['-a', '/dev/null', 'run'], { env: guestfs, log: join(folder, 'warm-up.log') }).done;
}
