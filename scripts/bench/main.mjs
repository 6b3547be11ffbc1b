// `npm run bench`: measures vmkiln against what people use today, on the same practice DVD, in one run.
import { existsSync, mkdirSync, mkdtempSync, chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { chart } from './chart.mjs';
import { background } from './measure.mjs';
import { page } from './page.mjs';
import { parts, warmUp } from './parts.mjs';
import { ask, endAll } from './programs.mjs';
import { cli, freshHome, hostFacts, machine, practiceDvd, project, writeRecipes } from './setting.mjs';

const usage = `Usage: npm run bench -- [options]

  --only PARTS   comma-separated: ${Object.keys(parts).join(', ')} (default: all); none only writes the page again
  --json FILE    raw figures; those of other parts in it are kept (default: a new file below ${tmpdir()})
  --work DIR     where everything is built; its disk is the one that is measured (default: /var/tmp)
  --docs         write docs/benchmarks.md and docs/benchmarks.svg; otherwise they appear beside the figures
`;

const say = (message) => process.stderr.write(`bench: ${message}\n`);

function options() {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: 'string', default: Object.keys(parts).join(',') },
        json: { type: 'string' },
        work: { type: 'string', default: '/var/tmp' },
        docs: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) {
      process.stdout.write(usage);
      process.exit(0);
    }
    const only = values.only === 'none' ? [] : values.only.split(',');
    const unknown = only.find((name) => !Object.hasOwn(parts, name));
    if (unknown !== undefined) throw new Error(`there is no part ${unknown}`);
    return { ...values, only };
  } catch (error) {
    process.stderr.write(`bench: ${error.message}\n\n${usage}`);
    process.exit(2);
  }
}

/** Packer's version; installs it when it is not there. */
function packerVersion() {
  const version = () => ask('packer', ['--version'], { env: { CHECKPOINT_DISABLE: '1' } }).trim();
  try {
    return version();
  } catch {
    say('installs packer');
    ask('apt-get', ['install', '-y', '--no-install-recommends', 'packer'], {
      env: { DEBIAN_FRONTEND: 'noninteractive' },
    });
    return version();
  }
}

async function run(folder, { only }, results) {
  chmodSync(folder, 0o711);
  say('prepares: practice DVD, recipes, appliance');
  const packer = only.includes('packer') ? packerVersion() : results.machine?.versions.packer;
  const recipes = writeRecipes(folder);
  const dvd = await practiceDvd(folder);
  const facts = hostFacts(recipes.bench, dvd, freshHome(folder, 'plan', dvd));
  const files = join(folder, 'files');
  ask(process.execPath, [cli, 'render', recipes.bench, '--out', files]);
  const guestfs = {
    LIBGUESTFS_BACKEND: 'direct',
    ...(facts.accelerator === 'tcg' && { LIBGUESTFS_BACKEND_SETTINGS: 'force_tcg' }),
  };
  const domain = `vmkiln-bench-${process.pid}`;
  const setting = { folder, recipes, dvd, facts, files, guestfs, domain, say };
  cleanUp.push(() => removeDomain(facts.connect, domain));
  await warmUp(setting);
  results.machine = machine(facts, packer);
  results.background = await background();
  const began = new Date().toISOString();
  if (results.background > 0.05) say(`warning: ${Math.round(results.background * 100)} % of the CPU is busy already`);
  for (const [name, part] of Object.entries(parts)) {
    if (!only.includes(name)) continue;
    say(name);
    const begun = performance.now();
    results.parts[name] = { at: new Date().toISOString(), began, ...(await part(setting)) };
    say(`${name}: done after ${Math.round((performance.now() - begun) / 1000)} s`);
    save();
  }
}

function removeDomain(connect, domain) {
  for (const action of ['destroy', 'undefine']) {
    try {
      ask('virsh', ['--connect', connect, action, domain]);
    } catch {
      // It is not there, or not running.
    }
  }
}

const chosen = options();
const json = resolve(chosen.json ?? join(mkdtempSync(join(tmpdir(), 'vmkiln-bench-')), 'bench.json'));
const results = existsSync(json) ? JSON.parse(readFileSync(json, 'utf8')) : { version: 1, parts: {} };
const save = () => writeFileSync(json, `${JSON.stringify(results, undefined, 2)}\n`);
const folder = mkdtempSync(join(chosen.work, 'vmkiln-bench-'));
const cleanUp = [() => rmSync(folder, { recursive: true, force: true })];

let stopping = false;
async function stop(status) {
  if (stopping) return;
  stopping = true;
  await endAll();
  for (const clean of cleanUp.toReversed()) clean();
  process.exit(status);
}
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(name, () => {
    say('stops, and removes what it made');
    void stop(130);
  });
}

try {
  mkdirSync(dirname(json), { recursive: true });
  if (chosen.only.length > 0) await run(folder, chosen, results);
  save();
  const docs = chosen.docs ? join(project, 'docs') : dirname(json);
  writeFileSync(join(docs, 'benchmarks.md'), page(results));
  writeFileSync(join(docs, 'benchmarks.svg'), chart(results.parts));
  say(`figures: ${json}`);
  say(`page: ${join(docs, 'benchmarks.md')}`);
  await stop(0);
} catch (error) {
  if (!stopping) {
    say(error.message);
    for (const match of error.message.matchAll(/see (\S+)$/g)) process.stderr.write(lastLines(match[1]));
    await stop(1);
  }
}

function lastLines(path) {
  return existsSync(path) ? `${readFileSync(path, 'utf8').split('\n').slice(-20).join('\n')}\n` : '';
}
