import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { exec } from '../../src/tools/exec.ts';
import { freshFolder, leftovers, startVmkiln, vmkiln } from '../support/vmkiln.ts';

const folder = freshFolder('broken');
const { signal } = new AbortController();

/** Writes a recipe whose kickstart is `lines` between a sound beginning and end. */
function recipeWith(name: string, lines: { commands?: string; packages?: string; end?: string }): string {
  const kickstart = [
    'cdrom',
    'cmdline',
    'lang en_US.UTF-8',
    'keyboard us',
    'timezone Etc/UTC',
    'network --bootproto=dhcp --device=eth0',
    'rootpw --lock',
    'bootloader --location=mbr',
    'zerombr',
    'clearpart --all --initlabel',
    lines.commands ?? 'part / --fstype=xfs --size=1024 --grow',
    'poweroff',
    '%packages',
    lines.packages ?? '@core',
    lines.end ?? '%end',
  ];
  writeFileSync(join(folder, `${name}.ks`), `${kickstart.join('\n')}\n`);
  const recipe = join(folder, `${name}.yaml`);
  writeFileSync(
    recipe,
    `name: ${name}\nfamily: rhel\nrelease: "7.9"\nsource: { iso: none.iso }\ndisk: { size: 4G }\ninstall: { kickstart: ${name}.ks }\n`,
  );
  return recipe;
}

/** A kickstart that includes `command` from a file, which its `%pre` writes. */
function written(command: string): Parameters<typeof recipeWith>[1] {
  return {
    commands: 'part / --size=1024 --grow\n%include /tmp/more.ks',
    end: `%end\n%pre\necho '${command}' > /tmp/more.ks\n%end`,
  };
}

describe.concurrent('an installation that goes wrong', () => {
  test.for<[string, Parameters<typeof recipeWith>[1], RegExp]>([
    // What a script of the installation itself writes is seen by the installer alone.
    ['unknown-command', written('frobnicate --now'), /line 1 [\s\S]*frobnicate/],
    ['unknown-package', { packages: '@core\nno-such-package' }, /no-such-package/],
    ['no-disk', written('ignoredisk --only-use=vdz'), /vdz|disk/i],
    ['failing-post', { end: '%end\n%post --erroronfail\nexit 7\n%end' }, /%post|script/i],
  ])(
    'cannot succeed, ends with its reason, and leaves a bundle and nothing else: %s',
    async ([name, lines, reason], { expect: expectHere }) => {
      const run = await vmkiln(['rehearse', recipeWith(name, lines), '--out', folder, '--ui', 'json'], {
        timeout: 400,
      });
      expectHere(run.status).toBe(1);
      const failed = run.events.find(({ type }) => type === 'failed');
      expectHere(failed).toMatchObject({
        stage: 'install',
        code: 'INSTALL_FAILED',
        message: expect.stringMatching(reason),
      });
      const bundle = (failed as { bundle: string }).bundle;
      expectHere(readFileSync(join(bundle, 'screenshot.png')).subarray(1, 4).toString()).toBe('PNG');
      expectHere(readFileSync(join(bundle, 'domain.xml'), 'utf8')).toContain('<domain');
      expectHere(readFileSync(join(bundle, 'console.log'), 'utf8').length).toBeGreaterThan(0);
      expectHere(existsSync(join(folder, `${name}-rehearsal.qcow2`))).toBe(false);
      expectHere((await leftovers(failed?.build ?? '')).filter((line) => !line.startsWith('temporary'))).toEqual([]);
    },
  );

  test('hangs while it boots, and is started again once', async () => {
    const recipe = recipeWith('frozen', {});
    writeFileSync(recipe, readFileSync(recipe, 'utf8').replace('.ks }', '.ks, stallTimeout: 2m }'));
    const run = startVmkiln(['rehearse', recipe, '--out', folder]);
    const { build } = await run.event((event) => event.type === 'command-started' && event.argv.includes('domstats'));
    const freeze = () => exec({ program: 'virsh', args: ['suspend', `vmkiln-${build}`], timeout: 30, signal });
    await freeze();
    await run.event((event) => event.type === 'warning' && /hung while it booted/.test(event.message));
    await run.event((event) => event.type === 'progress' && event.stage === 'install' && (event.fraction ?? 0) > 0);
    run.kill('SIGINT');
    expect((await run.ended).status).toBe(130);
    expect((await leftovers(build)).filter((line) => !line.startsWith('temporary'))).toEqual([]);
  });
});

test('what can be seen in the kickstart beforehand is refused before anything starts', async () => {
  const lines = { commands: 'part / --size=1024 --grow\nfrobnicate --now', end: '' };
  const run = await vmkiln(['rehearse', recipeWith('missing-end', lines), '--out', folder, '--ui', 'json']);
  expect(run.status).toBe(2);
  expect(run.stderr).toContain('ks.cfg:12:1: RHEL 7 has no command frobnicate');
  expect(run.stderr).toContain('ks.cfg:14:1: %packages has no %end');
  expect(run.events.filter(({ type }) => type === 'command-started')).toEqual([]);
});

test('Ctrl-C in an installation ends it within seconds, with nothing left', async () => {
  const run = startVmkiln(['rehearse', recipeWith('interrupted', {}), '--out', folder]);
  await run.event((event) => event.type === 'progress' && event.stage === 'install' && (event.fraction ?? 0) > 0);
  const pressed = Date.now();
  run.kill('SIGINT');
  const { status, events } = await run.ended;
  expect(status).toBe(130);
  // Usually two seconds; the installation would go on for minutes.
  expect(Date.now() - pressed).toBeLessThan(30_000);
  expect(await leftovers(events[0]?.build ?? '')).toEqual([]);
});
