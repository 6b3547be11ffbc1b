import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Arg, Event, Piece, Plan } from '../../src/model.ts';
import { openImage, packagesIn, run } from '../support/image.ts';
import type { Verdict } from '../../src/verify/verdict.ts';
import { verifyChecks } from '../support/verify.ts';
import { namesOfMachine } from '../support/releases.ts';
import { freshFolder, leftovers, type Run, testHome, vmkiln } from '../support/vmkiln.ts';

/**
 * The product's main job, once, by the real binary; every test looks at what this one rehearsal left.
 * With VMKILN_REAL_ISO the same assertions are made on an image built from real media.
 */
const realIso = process.env['VMKILN_REAL_ISO'];
const name = realIso ? 'rhel7' : 'rhel7-rehearsal';
const secret = 'Planted-S3cret-9f1c';
const out = freshFolder('out');
let build: Run;
let image: string;

function eventsOf<T extends Event['type']>(type: T): Extract<Event, { type: T }>[] {
  return build.events.filter((event): event is Extract<Event, { type: T }> => event.type === type);
}

beforeAll(async () => {
  const env = { RHSM_USERNAME: 'engineer', RHSM_PASSWORD: secret, ...(realIso && realCredentials()) };
  const args = realIso
    ? ['build', 'recipes/rhel7.yaml', '--set', `iso=${realIso}`]
    : ['rehearse', 'recipes/rhel7.yaml'];
  build = await vmkiln([...args, '--out', out, '--ui', 'json', '--from', 'customize'], { timeout: 1500, env });
  expect(build.status, build.stderr).toBe(0);
  image = join(out, `${name}.qcow2`);
});

/** What a planned word looks like when it runs: symbolic pieces have got a value, everything else is as written. */
function wordPattern(arg: Arg): RegExp {
  const pieces = (Array.isArray(arg) ? arg : [arg]) as Piece[];
  const source = pieces.map((piece) => {
    const text =
      typeof piece === 'string' ? piece : 'host' in piece ? piece.host : 'file' in piece ? piece.file : undefined;
    return text === undefined ? '.+' : text.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  });
  return new RegExp(`^${source.join('')}$`, 's');
}

/** Real media need a real account; the planted secret is for rehearsals. */
function realCredentials(): Record<string, string> {
  return { RHSM_USERNAME: process.env['RHSM_USERNAME'] ?? '', RHSM_PASSWORD: process.env['RHSM_PASSWORD'] ?? '' };
}

describe('the image file', () => {
  test('is a compressed qcow2 without backing file, sound, with its checksum and index beside it', async () => {
    const info = JSON.parse(await run('qemu-img', ['info', '--output=json', image]));
    expect(info).toMatchObject({ format: 'qcow2', 'virtual-size': 8 * 1024 ** 3 });
    expect(info['backing-filename']).toBeUndefined();
    const check = JSON.parse(await run('qemu-img', ['check', '--output=json', image]));
    expect(check).toMatchObject({ 'check-errors': 0 });
    // A few clusters do not get smaller by compression and are stored as they are.
    expect(check['compressed-clusters']).toBeGreaterThan(0.9 * check['allocated-clusters']);
    await run('sh', ['-c', `cd '${out}' && sha256sum -c ${name}.qcow2.sha256`]);
    const [published] = eventsOf('published');
    const index = JSON.parse(readFileSync(join(out, 'index.json'), 'utf8'));
    expect(JSON.stringify(index)).toContain(published?.sha256);
  });
});

describe('the guest in it', () => {
  let guest: Awaited<ReturnType<typeof openImage>>;
  const folders = ['/etc', '/boot/grub2', '/var/log', '/var/lib/rhsm', '/root', '/tmp', '/var/tmp'];
  beforeAll(async () => {
    guest = await openImage(image, folders);
  });

  test('is inspected as RHEL 7.9 with the requested packages', () => {
    expect(guest.known).toMatch(/^rhel7\.9$/m);
    for (const wanted of ['cloud-init', 'cloud-utils-growpart']) {
      expect(guest.known).toContain(`app2_name: ${wanted}\n`);
    }
  });

  test('has in its bill of materials what libguestfs finds in the database of rpm, and nothing else', () => {
    const field = (one: string) =>
      [...guest.known.matchAll(new RegExp(`app2_${one}: (.*)`, 'g'))].map(([, text]) => text);
    const [names, epochs, versions, releases] = ['name', 'epoch', 'version', 'release'].map(field);
    const installed = names?.map((its, index) => {
      const epoch = epochs?.[index] === '0' ? '' : `${epochs?.[index]}:`;
      return `${its} ${epoch}${versions?.[index]}-${releases?.[index]}`;
    });
    expect(packagesIn(image)).toEqual(installed?.filter((line) => !line.startsWith('gpg-pubkey ')).toSorted());
  });

  test('has the network as the guide wants it', () => {
    const lines = guest.read('/etc/sysconfig/network-scripts/ifcfg-eth0').trim().split('\n');
    expect(lines).toEqual(['TYPE=Ethernet', 'DEVICE=eth0', 'ONBOOT=yes', 'BOOTPROTO=dhcp', 'NM_CONTROLLED=no']);
    const network = guest.read('/etc/sysconfig/network').split('\n');
    expect(network.filter((line) => line.includes('NOZEROCONF'))).toEqual(['NOZEROCONF=yes']);
    const on = realIso ? '/etc/rc.d/rc3.d' : '/etc/systemd/system/multi-user.target.wants';
    expect(readdirSync(guest.path(on))).toContain(realIso ? 'S10network' : 'network.service');
  });

  test('writes its console to tty0 and ttyS0, in both GRUB files', () => {
    const consoles = 'console=tty0 console=ttyS0,115200n8';
    const grub = guest.read('/etc/default/grub').split('\n');
    expect(grub.filter((line) => line.startsWith('GRUB_CMDLINE_LINUX_DEFAULT='))).toEqual([
      `GRUB_CMDLINE_LINUX_DEFAULT="${consoles}"`,
    ]);
    const kernels = guest
      .read('/boot/grub2/grub.cfg')
      .split('\n')
      .filter((line) => /^\s+linux(16)?\s/.test(line));
    expect(kernels.length).toBeGreaterThan(0);
    for (const kernel of kernels.filter((line) => !/\bsingle\b/.test(line))) {
      expect(kernel).toContain(consoles);
      expect(kernel).toContain('net.ifnames=0');
    }
  });

  test('has cloud-init set up: resolv-conf, the user, the data sources', () => {
    const modules = /^cloud_init_modules:\n((?:\s+-.*\n)+)/m.exec(guest.read('/etc/cloud/cloud.cfg'))?.[1] ?? '';
    expect(modules.split('\n').filter((line) => /^\s*- resolv-conf$/.test(line))).toHaveLength(1);
    const ours = guest.read('/etc/cloud/cloud.cfg.d/99_vmkiln.cfg');
    expect(ours).toContain('name: cloud-user');
    expect(ours).toContain('datasource_list: [ConfigDrive, OpenStack, NoCloud, Ec2, None]');
  });

  test('has no identity and no way in', () => {
    const root = guest
      .read('/etc/shadow')
      .split('\n')
      .find((line) => line.startsWith('root:'));
    expect(root?.split(':')[1]).toBe('!!');
    expect(guest.read('/etc/machine-id')).toBe('');
    expect(readdirSync(guest.path('/etc/ssh')).filter((file) => file.startsWith('ssh_host_'))).toEqual([]);
    for (const path of Object.keys(namesOfMachine)) expect(existsSync(guest.path(path)), path).toBe(false);
  });

  test('has no subscription and no traces of the build', () => {
    for (const folder of ['/etc/pki/consumer', '/etc/pki/entitlement']) {
      const path = guest.path(folder);
      expect(existsSync(path) ? readdirSync(path) : []).toEqual([]);
    }
    const files = (folder: string) =>
      readdirSync(guest.path(folder), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name));
    expect(files('/tmp')).toEqual([]);
    expect(files('/var/tmp')).toEqual([]);
    expect(files('/root').filter((file) => /anaconda|\.ks|install|history|builder/.test(file))).toEqual([]);
    const written = files('/var/log').filter((file) => statSync(file).size > 0);
    expect(written.filter((file) => /anaconda|rhsm|yum|dnf|messages|cloud-init|builder|journal/.test(file))).toEqual(
      [],
    );
  });
});

describe('its clones', () => {
  test('do what a cloud expects, and the results are kept for people and for CI', () => {
    const folder = eventsOf('build-started')[0]?.folder ?? '';
    const verdict = JSON.parse(readFileSync(join(folder, 'verify.json'), 'utf8')) as Verdict;
    const found = verdict.results.map(({ check, outcome }) => [check, outcome]);
    expect(found).toEqual(verifyChecks.map((check) => [check, 'passed']));
    expect(verdict.passed).toBe(true);
    expect(readFileSync(join(folder, 'verify.xml'), 'utf8')).toContain('failures="0"');
  });
});

describe('the build', () => {
  test('started exactly the commands of its plan, and besides only what watches and publishes', async () => {
    const folder = eventsOf('build-started')[0]?.folder ?? '';
    const plan = JSON.parse(readFileSync(join(folder, 'plan.json'), 'utf8')) as Plan;
    const ran = plan.stages.filter(({ forecast }) => forecast === 'run');
    const planned = ran.flatMap(({ commands }) => commands);
    const started = eventsOf('command-started');
    const others = started.filter(({ control }) => !control);
    expect(others).toHaveLength(planned.length);
    for (const [index, { program, args }] of planned.entries()) {
      const words = [program, ...args].map((arg) => expect.stringMatching(wordPattern(arg)));
      expect(others[index]?.argv).toEqual(words);
    }
    // virsh watches and removes the domain; cp copies the image to where it is published.
    const control = started
      .filter((event) => event.control && !['verify', 'describe'].includes(event.stage))
      .map(({ argv }) => argv[0]);
    expect(control.filter((program) => program !== 'virsh' && program !== 'cp')).toEqual([]);
  });

  test('left no secret: not in its folder, the events, the image or what it printed', async () => {
    const folder = eventsOf('build-started')[0]?.folder ?? '';
    // Compression would hide it: this copy holds the same clusters in the clear.
    const plain = join(freshFolder('plain'), 'image.qcow2');
    await run('qemu-img', ['convert', '-O', 'qcow2', image, plain], 300);
    for (const where of [folder, out, plain, join(testHome, 'cache')]) {
      const found = await run('sh', ['-c', `grep -rlaF -- '${secret}' '${where}' || true`], 300);
      expect(found).toBe('');
    }
    expect(build.stdout + build.stderr).not.toContain(secret);
  });

  test('left nothing running and no work files', async () => {
    expect(await leftovers(eventsOf('build-started')[0]?.build ?? 'none')).toEqual([]);
  });

  test('is found again: the same recipe builds nothing and publishes nothing new', async () => {
    const env = { RHSM_USERNAME: 'engineer', RHSM_PASSWORD: secret };
    const again = await vmkiln(['rehearse', 'recipes/rhel7.yaml', '--out', out, '--ui', 'json'], { timeout: 120, env });
    expect(again.status, again.stderr).toBe(0);
    expect(again.events.filter(({ type }) => type === 'command-started')).toEqual([]);
    expect(again.events.find(({ type }) => type === 'published')).toMatchObject({ unchanged: true });
  });
});
