import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Event } from '../../src/model.ts';
import { bootClone, type Guest, openImage, run } from '../support/image.ts';
import { expectedReleases } from '../support/releases.ts';
import { freshFolder, leftovers, vmkiln } from '../support/vmkiln.ts';

const secret = 'Planted-S3cret-9f1c';
const env = { RHSM_USERNAME: 'engineer', RHSM_PASSWORD: secret };
const folders = ['/etc', '/boot', '/var/log', '/root'];

describe.each(expectedReleases.map((each) => [each.name, each] as const))('%s', (_, expected) => {
  const out = freshFolder('releases');
  const image = join(out, `${expected.name}-rehearsal.qcow2`);
  let events: Event[];

  beforeAll(async () => {
    const recipe = `recipes/${expected.name}.yaml`;
    const built = await vmkiln(['rehearse', recipe, '--out', out, '--ui', 'json'], { timeout: 1500, env });
    expect(built.status, built.stderr).toBe(0);
    events = built.events;
  });

  test('is planned and rendered without a rehearsal', async () => {
    const rendered = freshFolder('render');
    const render = await vmkiln(['render', `recipes/${expected.name}.yaml`, '--out', rendered], { env });
    expect(render.status, render.stderr).toBe(0);
    expect(readdirSync(rendered)).toEqual(expect.arrayContaining(['ks.cfg', 'guest.sh', 'packages.sh']));
    const plan = await vmkiln(['plan', `recipes/${expected.name}.yaml`, '--json', '--set', `iso=${image}`], { env });
    expect(plan.status, plan.stderr).toBe(0);
    expect(JSON.parse(plan.stdout)).toMatchObject({ name: expected.name, rehearsal: false });
  });

  describe('the image', () => {
    let guest: Awaited<ReturnType<typeof openImage>>;
    const lines = (path: string): string[] => {
      const local = guest.path(path);
      const files = statSync(local).isDirectory() ? readdirSync(local).map((name) => join(local, name)) : [local];
      return files.flatMap((file) => readFileSync(file, 'utf8').split('\n'));
    };
    beforeAll(async () => {
      guest = await openImage(image, folders);
    });

    test('is a flat qcow2 of the size of the recipe, inspected as its release', async () => {
      const info = JSON.parse(await run('qemu-img', ['info', '--output=json', image]));
      expect(info).toMatchObject({ format: 'qcow2', 'virtual-size': expected.size });
      expect(info['backing-filename']).toBeUndefined();
      const xml = await run('virt-inspector', ['-a', image, '--no-icon'], 300);
      expect(xml).toContain(`<osinfo>${expected.osinfo}</osinfo>`);
      for (const wanted of ['cloud-init', 'cloud-utils-growpart']) expect(xml).toContain(`<name>${wanted}</name>`);
    });

    test('has its files as the guide wants them', () => {
      for (const [path, text] of Object.entries(expected.files)) expect(guest.read(path), path).toBe(text);
      for (const [path, line] of Object.entries(expected.once)) {
        const name = line.slice(0, line.indexOf('=') + 1);
        expect(
          lines(path).filter((each) => each.startsWith(name)),
          path,
        ).toEqual([line]);
      }
      for (const path of expected.absent) expect(existsSync(guest.path(path)), path).toBe(false);
      expect(guest.read('/etc/cloud/cloud.cfg')).toMatch(/^cloud_init_modules:\n(\s+- .*\n)*\s+- resolv-conf\n/m);
      expect(guest.read('/etc/shadow')).toMatch(/^root:!!:/m);
    });

    test('gives every kernel its consoles', () => {
      for (const { file, lines: pattern } of expected.kernels) {
        const found = lines(file).filter((line) => pattern.test(line));
        expect(found.length, file).toBeGreaterThan(0);
        for (const line of found) expect(line.endsWith(` ${expected.kernelArguments}`), line).toBe(true);
      }
    });

    test('has no trace of its making', async () => {
      const files = (folder: string) => readdirSync(guest.path(folder), { recursive: true }).map(String);
      expect(files('/root').filter((file) => /anaconda|install|\.ks/.test(file))).toEqual([]);
      expect(files('/var/log').filter((file) => /anaconda|rhsm\/./.test(file))).toEqual([]);
      expect(files('/etc').filter((file) => /pki\/consumer\/.|ssh_host_/.test(file))).toEqual([]);
      expect(await run('sh', ['-c', `grep -rlaF -- '${secret}' '${out}' || true`], 300)).toBe('');
    });
  });

  describe('a clone', () => {
    let guest: Guest;
    const boot = (from: string, hostname: string, mac: string) =>
      bootClone(from, { hostname, user: 'cloud-user', timeout: 420, mac });
    beforeAll(async () => {
      guest = await boot(image, 'first', '52:54:00:00:00:01');
    });
    afterAll(() => guest?.stop());

    test('boots with its consoles, the name of the seed, and eth0', async () => {
      await guest.ssh('cloud-init status --wait');
      expect((await guest.ssh('hostname')).trim()).toMatch(/^first/);
      expect(await guest.ssh('cat /proc/cmdline')).toContain(expected.kernelArguments);
      expect(await guest.ssh('ip -4 -o address show eth0')).toContain('10.0.2.');
      expect((await guest.ssh('sudo -n id -u')).trim()).toBe('0');
      for (const [path, text] of Object.entries(expected.files))
        if (path !== '/etc/machine-id') expect(await guest.ssh(`sudo cat ${path}`), path).toBe(text);
    });

    test('has eth0 again when its disk is booted with another address, as from a snapshot', async () => {
      await guest.stop();
      guest = await boot(guest.disk, 'second', '52:54:00:00:00:02');
      expect(await guest.ssh('cat /sys/class/net/eth0/address')).toContain('52:54:00:00:00:02');
      expect(await guest.ssh('ip -4 -o address show eth0')).toContain('10.0.2.');
      expect((await guest.ssh('ls /sys/class/net')).split(/\s+/).filter((name) => name.startsWith('eth'))).toEqual([
        'eth0',
      ]);
    });
  });

  test('leaves nothing running and no work files', async () => {
    expect(await leftovers(events[0]?.build ?? 'none')).toEqual([]);
  });
});
