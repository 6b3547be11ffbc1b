import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { growLastPartition } from '../../src/tools/guestfs.ts';
import { host } from '../support/plan-input.ts';
import { bootClone, openImage, run } from '../support/image.ts';
import { freshFolder, vmkiln } from '../support/vmkiln.ts';

const folder = freshFolder('ready');
const image = join(folder, 'rhel7-kvm-guest-rehearsal.qcow2');

test('a ready image: grown, flat, root locked, cloud-user with sudo, the vendor’s file as it was', async () => {
  const shipped = readFileSync('recipes/rhel7-kvm-guest.yaml', 'utf8');
  const recipe = `${shipped}caCertificates: [internal-ca.pem]
verify: false
describe: false
customize: [{ write: { path: /etc/motd, content: "from a ready image" } }]
`;
  writeFileSync(join(folder, 'ready.yaml'), recipe);
  const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=Internal CA'];
  const ca = join(folder, 'internal-ca.pem');
  await run('openssl', [...request, '-keyout', join(folder, 'key'), '-out', ca]);
  const build = await vmkiln(
    ['rehearse', join(folder, 'ready.yaml'), '--set', 'size=9G', '--out', folder, '--ui', 'json'],
    {
      timeout: 1800,
    },
  );
  expect(build.status, build.stderr).toBe(0);
  const skipped = build.events.find((event) => event.type === 'stage-skipped' && event.stage === 'install');
  expect(skipped).toMatchObject({ because: 'the source is a ready image' });
  const info = JSON.parse(await run('qemu-img', ['info', '--output=json', image])) as Record<string, unknown>;
  expect(info['backing-filename']).toBeUndefined();
  expect(info['virtual-size']).toBe(9 * 1024 ** 3);
  const guest = await openImage(image, ['/etc']);
  const [, block, blocks] = /^frsize: (\d+)\nblocks: (\d+)$/m.exec(guest.known) ?? [];
  // The practice guest was installed on 8 GiB.
  expect(Number(block) * Number(blocks)).toBeGreaterThan(8.9 * 1024 ** 3);
  const trusted = guest.read('/etc/ssl/certs/ca-certificates.crt').replaceAll('\n', '');
  expect(trusted).toContain(readFileSync(ca, 'utf8').replaceAll('\n', ''));
  expect(guest.read('/etc/shadow')).toMatch(/^root:!!:/m);
  expect(guest.read('/etc/cloud/cloud.cfg.d/99_vmkiln.cfg')).toContain('name: cloud-user');
  expect(guest.read('/etc/motd')).toBe('from a ready image');
  // The practice DVD and the guest image come first.
});

test('the last partition of a GPT grows to the last MiB of a larger disk', async () => {
  const parts = freshFolder('gpt');
  const [raw, disk] = [join(parts, 'disk.raw'), join(parts, 'disk.qcow2')];
  await run('truncate', ['-s', '64M', raw]);
  await run('sgdisk', ['-n', '1:2048:129023', raw]);
  await run('mke2fs', ['-q', '-F', '-t', 'ext4', '-E', `offset=${2048 * 512}`, raw, '62M']);
  await run('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', raw, disk]);
  await run('qemu-img', ['resize', '-q', '-f', 'qcow2', disk, '129M']);
  const { args } = growLastPartition(disk, { table: 'gpt', number: 1, filesystem: 'ext' }, 129 * 2048, host);
  const words = args.map((arg) => (typeof arg === 'object' && 'sure' in arg ? arg.sure : String(arg)));
  await run('guestfish', words, 300);
  await run('qemu-img', ['convert', '-f', 'qcow2', '-O', 'raw', disk, raw]);
  expect(await run('sgdisk', ['-i', '1', raw])).toContain(`Last sector: ${128 * 2048 - 1} `);
  expect(await run('sgdisk', ['-v', raw])).toContain('No problems found');
  const filesystem = join(parts, 'filesystem');
  await run('dd', [`if=${raw}`, `of=${filesystem}`, 'bs=1M', 'skip=1', 'status=none']);
  expect(await run('dumpe2fs', ['-h', filesystem])).toMatch(new RegExp(`^Block count: +${127 * 1024}$`, 'm'));
});

/** What an engineer, and cloud-init at their wish, may have left in an image before it was handed on. */
const tampering = `
sudo mkdir -p /root/.ssh && sudo cp .ssh/authorized_keys /root/.ssh/
echo 'olduser ALL=(ALL) NOPASSWD:ALL' | sudo tee -a /etc/sudoers.d/90-cloud-init-users
echo first-boot | sudo tee /etc/hostname
sudo mkdir -p /etc/ssh/sshd_config.d /var/lib/cloud/seed/nocloud
echo 'PasswordAuthentication yes' | sudo tee /etc/ssh/sshd_config.d/50-cloud-init.conf
echo 'local-hostname: first-boot' | sudo tee /var/lib/cloud/seed/nocloud/meta-data
echo 'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX audit=1"' | sudo tee -a /etc/default/grub
sudo touch /etc/cloud/cloud-init.disabled && sync
`;

test('an image that was booted and tampered with is published without anything of that boot', async () => {
  const clone = await bootClone(image, { hostname: 'first-boot', user: 'cloud-user' });
  let traces: string[];
  try {
    await clone.ssh('cloud-init status --wait');
    const said = await clone.ssh('cat /etc/machine-id .ssh/authorized_keys; sudo cat /etc/iscsi/initiatorname.iscsi');
    traces = ['first-boot', 'olduser', ...said.trim().split('\n')];
    await clone.ssh(tampering);
  } finally {
    await clone.stop();
  }
  await run('qemu-img', ['convert', '-O', 'qcow2', clone.disk, join(folder, 'source.qcow2')], 300);
  const recipe = join(folder, 'booted.yaml');
  writeFileSync(
    recipe,
    'name: booted\nfamily: rhel\nrelease: "7.9"\nsource: { image: source.qcow2 }\nverify: false\ndescribe: false\noutput: { compression: none }\n',
  );
  const build = await vmkiln(['build', recipe, '--out', folder, '--ui', 'json'], { timeout: 900 });
  expect(build.status, build.stderr).toBe(0);
  expect(build.events).toContainEqual(
    expect.objectContaining({ type: 'warning', message: expect.stringContaining('is removed from the ready image') }),
  );
  const folders = ['/etc', '/root', '/home', '/var/lib', '/var/log'];
  const guest = await openImage(join(folder, 'booted.qcow2'), folders);
  const words = traces.flatMap((trace) => ['-e', trace]);
  const search = ['sh', ...words, ...folders.map((path) => guest.path(path))];
  expect(await run('sh', ['-c', 'grep -rlaF "$@" || [ $? = 1 ]', ...search])).toBe('');
  const gone = [
    '/etc/cloud/cloud-init.disabled',
    '/etc/sudoers.d/90-cloud-init-users',
    '/var/lib/cloud/seed',
    '/root/.ssh',
  ];
  for (const path of gone) expect(existsSync(guest.path(path)), path).toBe(false);
  expect(guest.read('/etc/machine-id')).toBe('');
  expect(guest.read('/etc/default/grub')).toMatch(
    /^GRUB_CMDLINE_LINUX="[^$"]* audit=1 net\.ifnames=0 biosdevname=0"$/m,
  );
});
