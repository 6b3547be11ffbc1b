import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Spec, Validation } from '@cyclonedx/cyclonedx-library';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readCollected } from '../../src/describe/collect.ts';
import { loadInventory } from '../../src/describe/load.ts';
import { repositoriesOf } from '../../src/describe/repositories.ts';
import { debPackages, inOrder, rpmPackages, windowsPrograms } from '../../src/describe/packages.ts';
import { sbomOf } from '../../src/describe/sbom.ts';
import { spdxOf } from '../../src/describe/spdx.ts';
import { type Question, questionLines } from '../../src/tools/guestfs.ts';
import { openKey, showValue } from '../../src/tools/hivex.ts';
import { guestInventory } from '../../src/tools/inventory.ts';
import { inventory } from '../support/inventory.ts';

/** A folder as guestfish leaves it. Archives are made by tar(1), of the files and links that are given. */
function collected(etc: Record<string, string>, boot: Record<string, string>, texts: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'collected-'));
  for (const [name, files] of Object.entries({ etc, boot })) {
    const root = join(folder, name);
    for (const [path, text] of Object.entries(files)) {
      const file = join(root, path);
      mkdirSync(dirname(file), { recursive: true });
      if (text.startsWith('-> ')) symlinkSync(text.slice(3), file);
      else writeFileSync(file, text);
      if (path === 'shadow') chmodSync(file, 0o600);
    }
    execFileSync('tar', ['--owner=0', '--group=0', '-C', root, '-cf', join(folder, `${name}.tar`), '.']);
  }
  for (const [name, text] of Object.entries(texts)) writeFileSync(join(folder, name), text);
  return folder;
}

const rpms = [
  'kernel\t(none)\t3.10.0\t1160.el7\tx86_64\tkernel-3.10.0-1160.el7.src.rpm\tRed Hat, Inc.\tGPLv2',
  'gpg-pubkey\t(none)\tfd431d51\t4ae0493b\t(none)\t(none)\t(none)\tpubkey',
  'kernel\t(none)\t3.10.0\t1127.el7\tx86_64\tkernel-3.10.0-1127.el7.src.rpm\tRed Hat, Inc.\tGPLv2',
  'dbus\t1\t1.10.24\t15.el7\tx86_64\t(none)\t(none)\tGPLv2+ or AFL',
  '',
].join('\n');

const long = `pki/${'very-long-name/'.repeat(9)}cert.pem`;
const etc = {
  passwd:
    'root:x:0:0:root:/root:/bin/bash\nfree::7:8::/:/bin/sh\ncloud-user:x:1000:1000:Cloud User:/home/c:/bin/bash\n',
  group: 'root:x:0:\nlp:x:8:\nwheel:x:10:cloud-user\ncloud-user:x:1000:\n',
  shadow: 'root:*:1::::::\ncloud-user:$6$salt$hash:1::::::\n',
  'systemd/system/multi-user.target.wants/sshd.service': '-> /usr/lib/systemd/system/sshd.service',
  'systemd/system/debug-shell.service': '-> /dev/null',
  'systemd/system/multi-user.target.upholds/agent.service': '-> /usr/lib/systemd/system/agent.service',
  'rc.d/rc3.d/S10network': '-> ../init.d/network',
  'rc.d/rc3.d/S55sshd': '-> ../init.d/sshd',
  'rc.d/rc3.d/K50netconsole': '-> ../init.d/netconsole',
  [long]: 'certificate',
};

const facts = {
  'guest-type': 'linux\n',
  'guest-distro': 'rhel\n',
  'guest-product-name': 'Red Hat Enterprise Linux Server 7.9 (Maipo)\n',
  'guest-arch': 'x86_64\n',
  'guest-major-version': '7\n',
  'guest-minor-version': '9\n',
  filesystems: '/dev/sda1: xfs\n/dev/sda2: swap\n/dev/sda14: unknown\n',
  mountpoints: '/dev/sda1: /\n',
  df: 'Filesystem 1K-blocks Used Available Use% Mounted on\n/dev/sda1 8320 398 7922 5% /sysroot\n',
  rpm: rpms,
};

describe('the inventory of an image', () => {
  test('is made of what guestfish copied out', async () => {
    const boot = { 'grub2/grub.cfg': '\tlinux16 /vmlinuz-3.10.0 root=UUID=1  ro console=ttyS0\n' };
    const found = await readCollected(collected(etc, boot, facts));
    expect(found).toMatchObject({
      system: { type: 'linux', distro: 'rhel', version: '7.9', arch: 'x86_64' },
      packages: [
        { name: 'dbus', epoch: 1, version: '1.10.24', release: '15.el7' },
        { name: 'kernel', release: '1127.el7' },
        { name: 'kernel', release: '1160.el7', vendor: 'Red Hat, Inc.' },
      ],
      services: [
        { name: 'agent.service', state: 'enabled', targets: ['multi-user.target'] },
        { name: 'debug-shell.service', state: 'masked', targets: [] },
        { name: 'network', state: 'enabled', targets: ['rc3'] },
        { name: 'sshd.service', state: 'enabled', targets: ['multi-user.target'] },
      ],
      users: [
        { name: 'cloud-user', groups: ['cloud-user', 'wheel'], password: 'set' },
        { name: 'free', groups: ['lp'], password: 'none' },
        { name: 'root', uid: 0, password: 'locked' },
      ],
      boot: { entries: [{ kernel: '/vmlinuz-3.10.0', options: 'root=UUID=1 ro console=ttyS0' }] },
      filesystems: [
        { device: '/dev/sda1', type: 'xfs', mountpoint: '/', size: 8320 * 1024, used: 398 * 1024 },
        { device: '/dev/sda2', type: 'swap' },
      ],
    });
    // Of printf certificate | sha256sum.
    const sha256 = execFileSync('sha256sum', { input: 'certificate', encoding: 'utf8' }).slice(0, 64);
    expect(found.files[`/etc/${long}`]).toEqual({
      mode: expect.stringMatching(/^0\d44$|^0640$/),
      uid: 0,
      gid: 0,
      sha256,
    });
    // Its digest would tell whether somebody has guessed what is in it.
    expect(found.files['/etc/shadow']).toEqual({ mode: '0600', uid: 0, gid: 0 });
    expect(JSON.stringify(found)).not.toContain('$6$salt');
  });

  test('has the kernels of each boot loader', async () => {
    const kernels = async (boot: Record<string, string>) =>
      (await readCollected(collected({ passwd: '' }, boot, facts))).boot;
    const entry = 'title RHEL\nlinux /vmlinuz-5.14\noptions $kernelopts $tuned_params quiet\n';
    expect(
      await kernels({
        'loader/entries/a.conf': entry,
        'grub2/grubenv': 'saved_entry=a\nkernelopts=root=/dev/vda1 ro\n',
      }),
    ).toEqual({
      default: 'a',
      entries: [{ kernel: '/vmlinuz-5.14', options: 'root=/dev/vda1 ro $tuned_params quiet' }],
    });
    expect(await kernels({ 'grub/grub.conf': 'default=0\ntitle R\n\tkernel /vmlinuz-2.6 ro quiet\n' })).toEqual({
      entries: [{ kernel: '/vmlinuz-2.6', options: 'ro quiet' }],
    });
  });

  test('is not empty when no database of packages can be read', async () => {
    await expect(readCollected(collected(etc, { x: '' }, { ...facts, rpm: '' }))).rejects.toThrow(
      /no list of its packages/,
    );
  });

  test('is refused when a file of the guest is too large, of which no more than that is copied out', async () => {
    const host = { accelerator: 'tcg', appliance: { memory: 0, cacheDir: '' } } as const;
    const { input = '' } = guestInventory('overlay', '', '%{NAME}', host);
    const copies = [...input.matchAll(/^-(tar-out|download) \S+ (\S+).*?\|(.*> (\S+))$/gm)];
    expect(input.match(/^-(tar-out|download) /gm)).toHaveLength(copies.length);
    for (const [, , to] of copies) expect(to).toBe('-');
    const [, , , pipe = '', name = ''] = copies[0] ?? [];
    const folder = collected(etc, { x: '' }, facts);
    // As guestfish does, which gives the rest of the line to a shell. The zeros of a sparse file have no end.
    execFileSync('sh', ['-c', `cat /dev/zero | ${pipe}`], { cwd: folder });
    expect(statSync(join(folder, name)).size).toBe(512 * 1024 ** 2 + 1);
    await expect(readCollected(folder)).rejects.toThrow(
      expect.objectContaining({ code: 'IMAGE_UNFIT', message: expect.stringContaining('more than 512') }),
    );
    rmSync(folder, { recursive: true });
  });

  test('comes after what else the launch is asked, each word as it is', () => {
    const host = { accelerator: 'tcg', appliance: { memory: 0, cacheDir: '' } } as const;
    const words = fc.sample(fc.string({ unit: fc.constantFrom(...'\\\\\'"$`#:|<>*{}~ aü\t'), minLength: 1 }), 200);
    const asked = [['ls', '/nowhere'], ...words.map((word) => ['echo', word])];
    const { input = '' } = guestInventory('overlay', '', '%{NAME}', host, asked);
    // The real one, which has not launched an appliance yet.
    const lines = input.slice(0, input.indexOf('inspect-get-roots'));
    const { status, stdout } = spawnSync('guestfish', [], { input: lines, encoding: 'utf8' });
    expect({ status, lines: stdout.split('\n') }).toEqual({ status: 0, lines: [...words, ''] });
  });

  test('can ask for values of the registry, with handles that lie in files', () => {
    const handles = mkdtempSync(join(tmpdir(), 'handles-'));
    const handle = (number: string): Question => ({ line: `!echo ${number} > hivex-key` });
    const asked = [
      ...[['echo', 'a'], handle('0'), ...showValue('x y')],
      // What fails, as all does that needs an appliance here, leaves no handle of an earlier one.
      ...[['echo', 'b'], handle('7'), ...showValue('x y')],
      ...[['echo', 'c'], ...openKey('/hive', String.raw`A\B C`), ...showValue('x y')],
    ];
    const { status, stdout, stderr } = spawnSync('guestfish', [], {
      input: questionLines(asked),
      cwd: handles,
      encoding: 'utf8',
    });
    expect({ status, stdout }).toEqual({
      status: 0,
      stdout: 'a\nkey 0\nvalue \nb\nkey 7\nvalue \nc\nkey \nvalue \n',
    });
    const missing = stderr.match(/hivex_\w+: (.*)/g) ?? [];
    expect(missing.map((line) => /hivex_\w+/.exec(line)?.[0])).toEqual([
      'hivex_node_get_value',
      'hivex_open',
      'hivex_root',
    ]);
  });

  test('has the packages of dpkg that are installed', () => {
    const status = [
      'Package: bash\nStatus: install ok installed\nArchitecture: amd64\nSource: bash (5.2.15-2)\nVersion: 5.2.15-2+b13\nDescription: x\n Version: 9\n',
      'Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n',
      'Package: half\nStatus: install reinstreq half-installed\nVersion: 1:2-1\n',
    ].join('\n');
    expect(debPackages(status).map(({ name, version }) => `${name} ${version}`)).toEqual([
      'bash 5.2.15-2+b13',
      'half 1:2-1',
    ]);
  });

  test('has the programs of Windows', () => {
    const printed =
      '[0] = {\n  app2_name: {1-2}\n  app2_display_name: Cloudbase-Init 1.1\n  app2_version: 1.1.4\n  app2_publisher: Cloudbase\n}\n';
    expect(windowsPrograms(printed)).toEqual([
      { type: 'windows', name: 'Cloudbase-Init 1.1', version: '1.1.4', vendor: 'Cloudbase' },
    ]);
  });

  test('names the repositories of APT by their addresses, and no line of another form', () => {
    const lists = '/var/lib/apt/lists/deb.debian.org_debian';
    const noted = `${'b'.repeat(64)}  ${lists}_dists_bookworm_InRelease\n${'a'.repeat(64)}  ${lists}-security_dists_x_Release\nnothing\n`;
    expect(repositoriesOf(noted)).toEqual([
      { name: 'deb.debian.org_debian-security_dists_x/Release', sha256: 'a'.repeat(64) },
      { name: 'deb.debian.org_debian_dists_bookworm/InRelease', sha256: 'b'.repeat(64) },
    ]);
  });

  test('has an order of its own', () => {
    const packages = rpmPackages(rpms);
    expect(inOrder(packages)).toEqual(inOrder(packages.toReversed()));
  });

  test('is refused as a file when a part is missing', async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'inventory-')), 'a.json');
    writeFileSync(path, JSON.stringify({ ...inventory(), users: undefined }));
    await expect(loadInventory(path)).rejects.toThrow(/users is missing/);
    writeFileSync(path, JSON.stringify({ ...inventory(), packages: [null] }));
    await expect(loadInventory(path)).rejects.toThrow(/packages\.0 is missing, or of another form/);
    writeFileSync(path, JSON.stringify(inventory()));
    expect(await loadInventory(path)).toEqual(inventory());
  });
});

describe('the bill of materials', () => {
  const text = sbomOf(inventory(), '0.1.0');

  test('is CycloneDX 1.6, strictly, and the same each time', async () => {
    expect(await new Validation.JsonStrictValidator(Spec.Version.v1dot6).validate(text)).toBeNull();
    expect(sbomOf(inventory(), '0.1.0')).toBe(text);
  });

  test('is the same each time although a program is listed twice', () => {
    const each = { type: 'windows' as const, name: 'Runtime', version: '1' };
    const twice = () => sbomOf({ ...inventory(), packages: [each, each] }, '0.1.0');
    expect(twice()).toBe(twice());
    expect(twice()).toContain('"pkg:generic/Runtime@1#2"');
  });

  test('has each package with its purl', () => {
    const components = (JSON.parse(text) as { components: { name: string; version: string; purl?: string }[] })
      .components;
    expect(components.filter(({ purl }) => purl !== undefined)).toHaveLength(inventory().packages.length);
    const dbus = components.find(({ name }) => name === 'dbus');
    expect(dbus).toMatchObject({
      version: '1:1.10.24-15.el7',
      purl: 'pkg:rpm/redhat/dbus@1.10.24-15.el7?arch=x86_64&distro=rhel-7.9&epoch=1&upstream=dbus-1.10.24-15.el7.src.rpm',
    });
    expect(components.find(({ name }) => name === 'libstdc++')?.purl).toContain('/libstdc%2B%2B@');
    expect(components).toContainEqual(
      expect.objectContaining({ type: 'operating-system', name: 'rhel', version: '7.9' }),
    );
  });

  test('is the same as SPDX', () => {
    const spdx = JSON.parse(spdxOf(inventory(), '0.1.0')) as {
      packages: { SPDXID: string; externalRefs?: { referenceLocator: string }[] }[];
      relationships: { relatedSpdxElement: string }[];
    };
    const purls = spdx.packages.flatMap(({ externalRefs = [] }) => externalRefs.map((each) => each.referenceLocator));
    const { components } = JSON.parse(text) as { components: { purl?: string }[] };
    expect(purls.toSorted()).toEqual(components.flatMap(({ purl }) => purl ?? []).toSorted());
    const ids = spdx.packages.map(({ SPDXID }) => SPDXID);
    expect(spdx.relationships.map((each) => each.relatedSpdxElement).toSorted()).toEqual(ids.toSorted());
  });
});
