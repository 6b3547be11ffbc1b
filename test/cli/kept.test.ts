import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { installedEvents, publishedEvents, writeBuild } from '../support/build-folder.ts';
import { fakeHost } from '../support/fake-tools.ts';
import { vmkiln } from '../support/vmkiln.ts';

// A build that failed and was told to keep what it had, with a real disk. libvirt and guestfish only note how they are called.

const host = fakeHost();
const home = host.env['VMKILN_HOME'] ?? '';
const build = 'web-20260103-030000-0003';
const work = join(home, 'cache/work', build);
const disk = join(work, 'customize.qcow2');
const domain = `vmkiln-${build}`;
const run = (args: readonly string[], env = {}) =>
  vmkiln([...args], { env: { ...host.env, ...env }, cwd: host.folder });
const digest = () => createHash('sha256').update(readFileSync(disk)).digest('hex');

/** libvirt with the domains FAKE_DOMAINS, which run until they have been asked twice. */
const virsh = `#!/bin/sh
case "$*" in
  *list*) echo "$FAKE_DOMAINS" ;;
  *domstate*) echo x >> "$FAKE_ASKED"; if [ "$(wc -l < "$FAKE_ASKED")" -gt "\${FAKE_RUNS:-2}" ]; then echo 'shut off (destroyed)'; else echo 'running (booted)'; fi ;;
  *domdisplay*) echo vnc://127.0.0.1:3 ;;
esac
`;
/** Writes to the disk that it is given, leaves its words and what the disk is an overlay of, and waits for Ctrl-C so many times. */
const guestfish = `#!/bin/sh
trap 'echo caught >> "$FAKE_LOG.fish"' INT
echo "$VMKILN_BUILD $*" > "$FAKE_LOG.fish"
for word; do case $word in *overlay.qcow2) qemu-io -f qcow2 -c 'write -P 7 0 64k' "$word" >&2; qemu-img info "$word" >> "$FAKE_LOG.fish" ;; esac; done
echo ready >> "$FAKE_LOG.fish"
caught() { grep -c caught "$FAKE_LOG.fish"; }
while [ "$(caught)" -lt "\${FAKE_INTERRUPTS:-0}" ]; do sleep 0.1; done
exit \${FAKE_STATUS:-0}
`;

beforeAll(() => {
  const bin = join(host.folder, 'bin');
  const real = execFileSync('sh', ['-c', 'command -v qemu-img'], { encoding: 'utf8' }).trim();
  for (const name of ['qemu-img', 'virsh', 'guestfish']) unlinkSync(join(bin, name));
  symlinkSync(real, join(bin, 'qemu-img'));
  for (const [name, text] of Object.entries({ virsh, guestfish })) {
    writeFileSync(join(bin, name), text);
    chmodSync(join(bin, name), 0o755);
  }
  const failed = { type: 'failed', stage: 'customize', code: 'COMMAND_FAILED', message: 'it failed' } as const;
  const events = installedEvents('web');
  const folder = writeBuild(home, build, { start: '2026-01-03T03:00:00Z', events: [...events, [80, failed]] });
  writeFileSync(
    join(folder, 'owner.json'),
    JSON.stringify({
      pid: 1,
      startTime: 'x',
      bootId: 'x',
      build,
      startedAt: 0,
      uses: [],
      connect: 'qemu:///session',
      kept: true,
    }),
  );
  writeBuild(home, 'db-20260104-030000-0004', {
    start: '2026-01-04T03:00:00Z',
    events: [...installedEvents('db'), ...publishedEvents(90, 1)],
  });
  mkdirSync(work, { recursive: true });
  writeFileSync(join(work, 'install.qcow2'), 'not one');
  execFileSync(real, ['create', '-q', '-f', 'qcow2', disk, '1M']);
  writeFileSync(join(work, 'console.log'), 'booting\r\n\u001b[31mred\u001b[0m\nlogin: ');
});

test('shell opens guestfish on an overlay, and the kept disk stays as it is', async () => {
  const before = digest();
  const { status, stderr } = await run(['shell', 'web'], { FAKE_STATUS: '3' });
  expect({ status, stderr }).toMatchObject({ status: 3, stderr: expect.stringContaining(`overlay of ${disk}`) });
  const said = readFileSync(`${host.env['FAKE_LOG']}.fish`, 'utf8');
  expect(said).toMatch(new RegExp(`^${build} --rw --format=qcow2 -a ${work}/shell-\\d+-\\w+/overlay.qcow2 -i\\n`));
  expect(said).toContain(`backing file: ${disk}`);
  expect(digest()).toBe(before);
  expect(readdirSync(work).toSorted()).toEqual(['console.log', 'customize.qcow2', 'install.qcow2']);
});

test('Ctrl-C in the shell is for guestfish', async () => {
  const said = `${host.env['FAKE_LOG']}.shell`;
  const env = { ...process.env, ...host.env, FAKE_LOG: said, FAKE_INTERRUPTS: '2' };
  // As from a terminal, the signal is for every process of the group.
  const child = spawn(process.execPath, ['dist/cli.js', 'shell', 'web'], { env, detached: true, stdio: 'ignore' });
  const exit = once(child, 'exit');
  const text = () => (existsSync(`${said}.fish`) ? readFileSync(`${said}.fish`, 'utf8') : '');
  for (const count of [0, 1]) {
    await expect.poll(text, { timeout: 20_000 }).toMatch(new RegExp(`ready\\n(caught\\n){${count}}$`));
    process.kill(-(child.pid ?? 0), 'SIGINT');
  }
  expect(await exit).toEqual([0, null]);
  expect(readdirSync(work).toSorted()).toEqual(['console.log', 'customize.qcow2', 'install.qcow2']);
});

test('a guest that still runs keeps its disk to itself', async () => {
  const asked = join(host.folder, 'asked-shell');
  const { status, stderr } = await run(['shell'], { FAKE_DOMAINS: domain, FAKE_ASKED: asked });
  expect(status).toBe(2);
  expect(stderr).toContain(`virsh -c qemu:///session destroy ${domain}`);
  expect(existsSync(join(work, 'overlay.qcow2'))).toBe(false);
});

test('console prints what the guest has said until it ends, without what steers a terminal', async () => {
  const asked = join(host.folder, 'asked-console');
  const { status, stdout, stderr } = await run(['console', '0003'], { FAKE_DOMAINS: domain, FAKE_ASKED: asked });
  expect({ status, stdout }).toEqual({ status: 0, stdout: 'booting\nred\nlogin: \n' });
  expect(stderr).toContain(`running; its screen (vnc://127.0.0.1:3): virt-viewer --connect qemu:///session ${domain}`);
});

test('both say it when nothing is kept', async () => {
  for (const command of ['shell', 'console']) {
    expect(await run([command, 'db'])).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/db-\S+ has kept nothing: it is done\n.*--on-error keep/),
    });
  }
  const guest = await run(['console']);
  expect(guest).toMatchObject({ status: 2, stderr: expect.stringContaining('has no guest') });
  expect(guest.stderr).toContain(`vmkiln shell ${build}`);
});
