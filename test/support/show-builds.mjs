// Shows builds by the user interface of dist/, with events of a script: node show-builds.mjs COUNT FOLDER. The builds end when
// FOLDER has a file `end`; their results then follow.
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { defaultUi, openUi } from '../../dist/ui/ui.js';

const [count, folder] = [Number(process.argv[2]), process.argv[3]];
const names = ['rhel7-rehearsal', '日本語-イメージ', 'web'].slice(0, count);
const { stdout, stderr, env } = process;
const recipes = names.map((name) => `${name}.yaml`);
const ui = await openUi(defaultUi(stderr, env), { recipes, stdout, stderr, env });

function feed(...bodies) {
  for (const [index, name] of names.entries()) {
    for (const body of bodies) ui.emit({ at: new Date().toISOString(), build: `${name}-id`, ...body(name) }, index);
  }
}

const command = ['virt-install', '--name', 'vmkiln-x', '--disk', 'path=/var/cache/vmkiln/work/disk.qcow2,cache=unsafe'];
feed(
  (name) => ({ type: 'build-started', name, recipe: `${name}.yaml`, rehearsal: false, folder: `/builds/${name}` }),
  () => ({ type: 'stage-skipped', stage: 'disk', because: 'the install checkpoint already holds its result' }),
  () => ({ type: 'stage-started', stage: 'install', because: 'x', predicted: { seconds: 600, bytes: 1 } }),
  () => ({ type: 'command-started', stage: 'install', argv: command, log: 'l', control: false }),
  () => ({ type: 'progress', stage: 'install', message: 'パッケージ '.repeat(20), fraction: 0.3 }),
);
while (!existsSync(`${folder}/end`)) await sleep(50);
feed(
  () => ({ type: 'stage-finished', stage: 'install', seconds: 60 }),
  (name) => ({
    ...{ type: 'published', target: 'directory', location: `/images/${name}.qcow2`, sha256: 'ab12', size: 2048 },
    unchanged: false,
  }),
  () => ({ type: 'build-finished', seconds: 61 }),
);
await ui.close();
stdout.write('THE END\n');
