import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { fakeHost } from '../support/fake-tools.ts';
import { vmkiln } from '../support/vmkiln.ts';

// What people and scripts read stays as it is. After a change that is meant: `npx vitest run --project cli golden -u`.

const recipes = readdirSync('recipes').map((file) => file.replace('.yaml', ''));

test.each(recipes)('vmkiln plan of %s', async (name) => {
  const host = fakeHost();
  const path = resolve('recipes', `${name}.yaml`);
  const media = [...readFileSync(path, 'utf8').matchAll(/\$\{(\w+):-\S+\.\w+\}/g)].map(([, variable]) => variable);
  const set = media.flatMap((variable) => ['--set', `${variable}=https://media.example.com/${variable}`]);
  const { status, stdout, stderr } = await vmkiln(['plan', path, ...set, '--connect', 'qemu:///session'], {
    env: host.env,
    cwd: host.folder,
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const text = stdout
    .replaceAll(host.folder, '$FOLDER')
    .replaceAll(process.cwd(), '$PROJECT')
    .replace(/^( +host +).*\n.*$/m, '$1$HOST')
    .replace(/^ +note +guests run under TCG.*\n/m, '')
    .replace(/-m \d+ -O/g, '-m $N -O');
  await expect(text).toMatchFileSnapshot(`golden/plan-${name}`);
});

const commands = [
  'build',
  'rehearse',
  'plan',
  'render',
  'validate',
  'doctor',
  'inspect',
  'convert',
  'upload',
  'promote',
  'rollback',
  'revoke',
  'channels',
  'builds',
  'explain',
  'logs',
  'report',
  'console',
  'shell',
  'clean',
  'nightly',
];
const verbs = ['list', 'show', 'set', 'unset', 'members', 'import', 'save', 'delete', 'methods'];

test('the help of the commands', async () => {
  const words = [
    ...commands.map((command) => [command]),
    ...verbs.map((verb) => ['image', verb]),
    ['factory', 'install-timer'],
  ];
  const helps = await Promise.all(words.map((each) => vmkiln([...each, '--help'])));
  await expect(helps.map(({ stdout }) => stdout).join('\n')).toMatchFileSnapshot('golden/help');
});
