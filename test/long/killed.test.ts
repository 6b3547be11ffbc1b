import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { freshFolder, leftovers, startVmkiln, vmkiln } from '../support/vmkiln.ts';

const out = freshFolder('killed');
const rehearse = ['rehearse', 'recipes/rhel7.yaml', '--out', out];
/** The same image, which nobody boots. */
const unverified = join(out, 'rhel7.yaml');
writeFileSync(unverified, `${readFileSync('recipes/rhel7.yaml', 'utf8')}verify: false\ndescribe: false\n`);
const rehearseUnverified = ['rehearse', unverified, '--out', out];

/** `--from` makes a stage run although an earlier test left its layer. */
test.each(['install', 'customize', 'sysprep', 'sparsify', 'verify', 'upload'] as const)(
  'after kill -9 in %s, clean leaves nothing of the build',
  async (stage) => {
    const run = startVmkiln([...(stage === 'upload' ? rehearseUnverified : rehearse), '--from', stage]);
    const program = stage === 'verify' ? /qemu-(system|kvm)/ : /./;
    await run.event(
      (event) => event.type === 'command-started' && event.stage === stage && program.test(event.argv[0] ?? ''),
    );
    // Somewhere in the middle: the appliance or the installer is up, or nearly so.
    await sleep(stage === 'upload' ? 0 : 3000 + Math.random() * 4000);
    run.kill('SIGKILL');
    const { events } = await run.ended;
    const build = events[0]?.build ?? '';
    const cleaned = await vmkiln(['clean']);
    expect(cleaned.status, cleaned.stderr).toBe(0);
    expect(await leftovers(build)).toEqual([]);
  },
);

test('after kill -9 while the practice DVD is made, clean leaves nothing of it', async () => {
  const home = { VMKILN_HOME: freshFolder('home') };
  const run = startVmkiln(rehearse, home);
  await run.event((event) => event.type === 'progress' && event.message.includes('payload'));
  await sleep(5000);
  run.kill('SIGKILL');
  const { events } = await run.ended;
  expect((await vmkiln(['clean'], { env: home })).status).toBe(0);
  expect(await leftovers(events[0]?.build ?? '')).toEqual([]);
  expect(readdirSync(join(home.VMKILN_HOME, 'cache', 'work'))).toEqual([]);
});

test('the next build needs no clean: it reaps the dead one and succeeds', async () => {
  const run = startVmkiln([...rehearseUnverified, '--from', 'sysprep']);
  await run.event((event) => event.type === 'command-started' && event.stage === 'sysprep');
  await sleep(2000);
  run.kill('SIGKILL');
  const { events } = await run.ended;
  const next = await vmkiln([...rehearseUnverified, '--from', 'sysprep', '--ui', 'json'], { timeout: 900 });
  expect(next.status, next.stderr).toBe(0);
  expect(next.events.some(({ type }) => type === 'published')).toBe(true);
  expect(await leftovers(events[0]?.build ?? '')).toEqual([]);
});
