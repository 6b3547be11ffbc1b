import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { bootClone, packagesIn, run } from '../support/image.ts';
import { freshFolder, vmkiln } from '../support/vmkiln.ts';

test('Debian 12 is customized by the real APT, and boots: kernel, cloud-init, SSH', async () => {
  const folder = freshFolder('debian');
  const shipped = readFileSync('recipes/debian12.yaml', 'utf8');
  const steps = 'customize: [{ run: "cp /etc/nvme/hostnqn /etc/of-the-image" }]\n';
  writeFileSync(join(folder, 'debian.yaml'), shipped.replace('packages: [', 'packages: [jq, nvme-cli, ') + steps);
  const build = await vmkiln(
    ['rehearse', join(folder, 'debian.yaml'), '--set', 'size=5G', '--out', folder, '--ui', 'json'],
    { timeout: 2400 },
  );
  expect(build.status, build.stderr).toBe(0);
  const image = join(folder, 'debian12-rehearsal.qcow2');
  expect(readdirSync(folder)).toContain('debian12-rehearsal.qcow2.sha256');

  const guest = await bootClone(image, { hostname: 'sid', user: 'debian', timeout: 600 });
  const ask = async (command: string) => (await guest.ssh(command)).trim();
  try {
    const status = await ask('cloud-init status --wait || true');
    expect(JSON.parse(await ask('sudo jq .v1.errors /run/cloud-init/result.json'))).toEqual([]);
    expect(status).toContain('done');
    expect(await ask('hostname')).toBe('sid');
    expect(await ask('cat /proc/cmdline')).toMatch(/console=tty0 console=ttyS0,115200n8$/);
    await expect.poll(guest.console, { timeout: 120_000, interval: 1000 }).toMatch(/sid login:/);
    expect(await ask('dpkg-query -W -f "\\${Status}" qemu-guest-agent')).toBe('install ok installed');
    expect(await ask('sudo getent shadow root | cut -d: -f2')).toBe('*');
    expect(await ask('ls /usr/sbin/policy-rc.d 2>&1 || true')).toContain('No such file');
    // The partition and the file system have grown with the disk.
    expect(Number(await ask('df --output=size -B1 / | tail -n 1'))).toBeGreaterThan(4 * 1024 ** 3);
    expect(await ask('systemctl --failed --no-legend --plain')).toBe('');
    // The mirror of the build's host serves an instance too: what the image knows of archives still works.
    expect(await ask('sudo apt-get -qq update 2>&1 || true')).toBe('');
    // The bill of materials has what dpkg has, and nothing else.
    const installed = await ask("dpkg-query -W -f '${db:Status-Abbrev}${Package} ${Version}\\n'");
    const wanted = installed.split('\n').flatMap((line) => /^ii {1,2}(.+)$/.exec(line)?.[1] ?? []);
    expect(packagesIn(image)).toEqual(wanted.toSorted());
    expect(await ask('wc -c < /etc/machine-id')).toBe('33');
    const names = (await ask('cat /etc/of-the-image /etc/nvme/hostnqn')).split('\n');
    expect(new Set(names.filter((name) => name.startsWith('nqn.'))).size).toBe(2);
    expect(await ask('cat /etc/hosts')).toMatch(/^127\.0\.1\.1 sid/m);
  } finally {
    await guest.stop();
  }
  // The image was only read.
  await run('qemu-img', ['check', '-q', '-f', 'qcow2', image]);
}, 3_000_000);
