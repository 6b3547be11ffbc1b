import { copyFileSync, mkdirSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Plan, StageName } from '../../src/model.ts';
import type { Recipe } from '../../src/recipe/recipe.ts';
import {
  because,
  type Change,
  file,
  from,
  invalidated,
  recipe,
  running,
  shipped,
  startOf,
  storeOf,
} from '../support/changes.ts';
import { newWorld, planOf, type World } from '../support/recipe-world.ts';

let world: World;
let base: Plan<Recipe>;
beforeEach(async () => {
  world = newWorld();
  base = await planOf(world);
});

const replan = () => planOf(world, { existing: storeOf(base), previous: base });

describe('a change that must be seen', () => {
  test.each<[what: string, first: StageName, reason: string | RegExp, Change]>([
    ['the size of the disk', 'disk', '`disk` changed', recipe('size: 8G', 'size: 9G')],
    ['the release, which no template says', 'install', '`release` changed', recipe("'7.9'", "'7.8'")],
    ['the firmware', 'install', '`machine` changed', recipe('firmware: bios', 'firmware: uefi')],
    ['the language', 'install', /`language`/, recipe('en_US.UTF-8', 'de_DE.UTF-8')],
    ['the keyboard', 'install', /`keyboard`/, recipe('keyboard: us', 'keyboard: de')],
    ['the time zone', 'install', /`timezone`/, recipe('Etc/UTC', 'Europe/Berlin')],
    ['a variable of the kickstart', 'install', /`install`/, recipe('role: web', 'role: db')],
    ['the kickstart', 'install', '`ks.cfg` changed', file('own.ks.hbs', '@core', '@base')],
    ['white space in the kickstart', 'install', '`ks.cfg` changed', file('own.ks.hbs', '@core\n', '@core \n')],
    [
      'another kickstart',
      'install',
      '`ks.cfg` changed',
      ({ edit }) => {
        edit('recipe.yaml', 'own.ks.hbs', 'rhel7.ks.hbs');
        edit('recipe.yaml', '  variables: { role: web }\n', '');
      },
    ],
    ['the ISO', 'install', '`source` changed', ({ path }) => writeFileSync(path('media/rhel.iso'), 'of another size')],
    [
      'the ISO, of the same size and with its old times',
      'install',
      '`source` changed',
      ({ overwrite }) => overwrite('media/rhel.iso', 'an installer, 7.8'),
    ],
    [
      'the ISO, of the same size and time but another file',
      'install',
      '`source` changed',
      ({ path }) => {
        writeFileSync(path('media/new.iso'), 'an installer, 7.8');
        utimesSync(path('media/new.iso'), 1e9, 1e9);
        renameSync(path('media/new.iso'), path('media/rhel.iso'));
      },
    ],
    [
      'kernel arguments of the installer',
      'install',
      'this version of vmkiln does something else in it',
      (changed) => {
        changed.family = (family) => ({
          ...family,
          install: (...given) => {
            const work = family.install(...given);
            return 'omitted' in work ? work : { ...work, args: [...work.args, '--boot', 'loader=x'] };
          },
        });
      },
    ],
    [
      'the user of the subscription',
      'customize',
      '`subscription`',
      recipe('username: { env: CHANGES_USERNAME }', 'username: me'),
    ],
    [
      'a repository of the subscription',
      'customize',
      /`subscription`/,
      recipe('[rhel-7-server-rpms]', '[rhel-7-server-optional-rpms]'),
    ],
    ['the pool', 'customize', /`subscription`/, recipe('  caCert', '  attach: auto\n  caCert')],
    ['the CA certificate', 'customize', /^`\S+\/files\/ca\.pem` changed$/, file('files/ca.pem', 'te 1', 'te 2')],
    ['a CA to trust', 'customize', /^`\S+\/files\/internal\.pem` changed$/, file('files/internal.pem', '1', '2')],
    ['the proxy', 'customize', /^`proxy`/, recipe(':3128', ':3129')],
    ['the address of a repository', 'customize', /^`repositories`/, recipe('example.com/7', 'example.com/8')],
    ['whether updates are installed', 'customize', /^`update`/, recipe('cloudInit:', 'update: false\ncloudInit:')],
    ['one package more', 'customize', /^`packages`/, recipe('tmux, chrony', 'tmux, chrony, lsof')],
    ['one package less', 'customize', /^`packages`/, recipe('tmux, chrony', 'tmux')],
    ['the order of packages', 'customize', /^`packages`/, recipe('tmux, chrony', 'chrony, tmux')],
    ['the user of cloud-init', 'sysprep', /^`cloudInit`/, recipe('user: cloud-user', 'user: admin')],
    ['no password of root', 'sysprep', /^`rootPassword`/, recipe('rootPassword: { file: secrets/root }\n', '')],
    ['the password of root', 'sysprep', '`root-password` changed', file('secrets/root', 'root-1', 'root-2')],
    ['a command', 'sysprep', '`customize` changed', recipe('enable chronyd', 'disable chronyd')],
    ['the quoting within a command', 'sysprep', '`customize` changed', recipe('enable chronyd', "enable  'chronyd'")],
    [
      'the order of steps',
      'sysprep',
      '`customize` changed',
      ({ edit }) => {
        edit('recipe.yaml', '  - run: systemctl enable chronyd\n', '');
        edit('recipe.yaml', 'output:', '  - run: systemctl enable chronyd\noutput:');
      },
    ],
    ['a step less', 'sysprep', '`customize` changed', recipe('  - run: systemctl enable chronyd\n', '')],
    [
      'an uploaded file, of the same size and with its old times',
      'sysprep',
      /^`\S+\/files\/motd` changed$/,
      ({ overwrite }) => overwrite('files/motd', 'welcome 2'),
    ],
    ['the mode of a file', 'sysprep', '`customize` changed', recipe("'0644'", "'0600'")],
    ['the owner of a file', 'sysprep', '`customize` changed', recipe("'0644'", "'0644', owner: 'daemon:daemon'")],
    ['where a file goes', 'sysprep', '`customize` changed', recipe('to: /etc/motd', 'to: /etc/motd.d/x')],
    ['a script', 'sysprep', /^`\S+\/files\/setup\.sh` changed$/, file('files/setup.sh', '1', '2')],
    [
      'two files that change places',
      'sysprep',
      /files\/motd`, `\S+files\/setup\.sh` changed$/,
      ({ path }) => {
        renameSync(path('files/motd'), path('files/x'));
        renameSync(path('files/setup.sh'), path('files/motd'));
        renameSync(path('files/x'), path('files/setup.sh'));
      },
    ],
    ['what is written', 'sysprep', '`customize` changed', recipe('content: hello', 'content: "hello "')],
    ["vmkiln's script for packages", 'customize', '`packages.sh` changed', shipped('packages.sh')],
    ["vmkiln's script for the guest", 'sysprep', '`guest.sh` changed', shipped('guest.sh')],
    ["vmkiln's configuration of cloud-init", 'sysprep', '`99_vmkiln.cfg` changed', shipped('99_vmkiln.cfg')],
    ["vmkiln's last script", 'sysprep', '`seal.sh` changed', shipped('seal.sh')],
    [
      "vmkiln's operations of virt-sysprep",
      'sysprep',
      'this version of vmkiln does something else in it',
      (changed) => {
        changed.family = (family) => ({
          ...family,
          sysprep: (...given) => {
            const work = family.sysprep(...given);
            return 'args' in work ? { ...work, args: work.args.slice(2) } : work;
          },
        });
      },
    ],
    ['the compression', 'sparsify', '`output` changed', recipe('compression: zlib', 'compression: zstd')],
    ['no compression', 'sparsify', '`output` changed', recipe('compression: zlib', 'compression: none')],
    ['the format', 'sparsify', '`output` changed', recipe('format: qcow2, compression: zlib', 'format: raw')],
  ])('%s: runs from %s', async (_what, first, reason, change) => {
    change(world);
    const plan = await replan();
    expect(invalidated(base, plan)).toEqual(from(first));
    expect(running(plan)).toEqual(from(startOf(first)));
    expect(because(plan, first)).toMatch(reason);
    if (startOf(first) !== first) expect(because(plan, startOf(first))).toMatch(/^the \w+ layer starts with it$/);
    // And back again: nothing of the old state is lost or mistaken.
    const back = await planOf(newWorldLike(world), { existing: storeOf(base, plan), previous: plan });
    expect(running(back)).toEqual(['upload']);
  });
});

/** The same world before any change. */
function newWorldLike(changed: World): World {
  return { ...newWorld(), machine: changed.machine };
}

describe('a change that must not count', () => {
  test.each<[what: string, Change]>([
    ['nothing', () => undefined],
    ['a comment', recipe('family: rhel', '# why\nfamily: rhel # what')],
    [
      'the order of keys',
      ({ edit }) => {
        edit('recipe.yaml', 'keyboard: us\n', '');
        edit('recipe.yaml', 'output:', 'keyboard: us\noutput:');
      },
    ],
    [
      'the order of keys within a key',
      recipe('{ format: qcow2, compression: zlib }', '{ compression: zlib, format: qcow2 }'),
    ],
    ['quotes', recipe("release: '7.9'", 'release: "7.9"')],
    [
      'another style of YAML',
      recipe('packages: [cloud-init, tmux, chrony]', 'packages:\n- cloud-init\n- tmux\n- chrony'),
    ],
    ['a default written out', recipe('cloudInit:', 'update: true\ncloudInit:')],
    ['a size in another unit', recipe('size: 8G', 'size: 8192MiB')],
    ['the name', recipe('name: web', 'name: other')],
    ['the description', recipe('for tests', 'for more tests')],
    ['the time-outs', recipe('timeout: 60m\n  stallTimeout: 15m', 'timeout: 2h\n  stallTimeout: 20m')],
    ['the memory', recipe('memory: 2G', 'memory: 4G')],
    ['the number of processors', recipe('vcpus: 2', 'vcpus: 4')],
    ['where the image goes', recipe('path: ./images', 'path: /srv/images')],
    ['one more target', recipe('hooks:', '  - directory: { path: /srv/more }\nhooks:')],
    ['what a hook does', file('hooks/notify.mjs', '1', '2')],
    ['no hook', recipe('hooks: { afterUpload: { run: hooks/notify.mjs, timeout: 5m } }\n', '')],
    ['a touched ISO', ({ path }) => utimesSync(path('media/rhel.iso'), 2e9, 2e9)],
    [
      'an ISO that lies elsewhere',
      ({ path, edit }) => {
        mkdirSync(path('dvds'));
        renameSync(path('media/rhel.iso'), path('dvds/renamed.iso'));
        edit('recipe.yaml', 'media/rhel.iso', 'dvds/renamed.iso');
      },
    ],
    [
      'an ISO by URL of the file',
      ({ path, edit }) => edit('recipe.yaml', 'media/rhel.iso', `"file://${path('media/rhel.iso')}"`),
    ],
    [
      'a checksum of the ISO',
      (changed) => {
        const sha256 = base.media['iso']?.sha256 ?? '';
        changed.edit('recipe.yaml', 'media/rhel.iso', `media/rhel.iso, sha256: ${sha256}`);
      },
    ],
    ['a touched file', ({ path }) => utimesSync(path('files/motd'), 2e9, 2e9)],
    [
      'a file of another name',
      ({ path, edit }) => {
        copyFileSync(path('files/motd'), path('files/welcome'));
        edit('recipe.yaml', 'files/motd', 'files/welcome');
      },
    ],
    [
      'a kickstart of another name',
      ({ path, edit }) => {
        copyFileSync(path('own.ks.hbs'), path('my.ks.hbs'));
        edit('recipe.yaml', 'own.ks.hbs', 'my.ks.hbs');
      },
    ],
    ['a comment of the template language', file('own.ks.hbs', '@core', '{{! of the engineer }}@core')],
    ['a user of the subscription by another value', (changed) => (changed.username = 'another')],
    ['a password of the subscription by another value', file('secrets/rhsm', 'secret-1', 'secret-2')],
    ['a password of the subscription from elsewhere', recipe('{ file: secrets/rhsm }', '{ env: OTHER }')],
    ['the same password of root from elsewhere', recipe('{ file: secrets/root }', '{ env: OTHER }')],
    ['KVM', (changed) => (changed.host = { ...changed.host, accelerator: 'kvm', acceleratorReason: 'it works' })],
    ['another network', (changed) => (changed.host = { ...changed.host, network: { kind: 'bridge', name: 'br0' } })],
    ['another connection', (changed) => (changed.host = { ...changed.host, connect: 'qemu:///session' })],
    ['more cores', (changed) => (changed.host = { ...changed.host, cores: 32, memory: 2 ** 40 })],
    ['an osinfo-db without the release', (changed) => (changed.host = { ...changed.host, osinfo: ['rhel7.0'] })],
    [
      'other versions of the tools',
      (changed) => {
        changed.host = { ...changed.host, versions: { ...changed.host.versions, qemu: '9.0', kernel: '6.12' } };
      },
    ],
    [
      'a variable with the same value',
      (changed) => {
        changed.edit('recipe.yaml', 'size: 8G', 'size: "${size}"');
        changed.variables = { size: '8G' };
      },
    ],
    ['a variable by its default', recipe('size: 8G', 'size: "${disk_size:-8G}"')],
    ['the recipe with its files in another folder', ({ move }) => move()],
  ])('%s', async (_what, change) => {
    change(world);
    const plan = await replan();
    expect(invalidated(base, plan)).toEqual([]);
    expect(running(plan)).toEqual(['upload']);
  });
});

describe('the reason', () => {
  const reason = async (stage: StageName, ...changes: Change[]) => {
    for (const change of changes) change(world);
    return because(await replan(), stage);
  };

  test('does not name what does not count, even beside what does', async () => {
    const moved: Change = ({ move }) => move();
    const install = [recipe('memory: 2G', 'memory: 4G'), recipe('timeout: 60m', 'timeout: 2h'), moved];
    expect(await reason('install', ...install, recipe('keyboard: us', 'keyboard: de'))).toBe(
      '`keyboard`, `ks.cfg` changed',
    );
  });

  test('does not name files and secrets that only moved', async () => {
    const secret = recipe('{ file: secrets/rhsm }', '{ env: OTHER }');
    const step = recipe('tmux, chrony', 'tmux');
    expect(await reason('customize', ({ move }) => move(), secret, step)).toBe('`packages`, `packages.sh` changed');
  });

  test('is an earlier stage where one changed, and of two changes the first', async () => {
    recipe('keyboard: us', 'keyboard: de')(world);
    recipe('tmux, chrony', 'tmux')(world);
    const plan = await replan();
    expect(because(plan, 'install')).toContain('`keyboard`');
    expect(because(plan, 'customize')).toBe('an earlier stage runs');
  });

  test('is --from at the stage it names, not before', async () => {
    const plan = await planOf(world, { existing: storeOf(base), previous: base, from: 'install' });
    expect(because(plan, 'disk')).toBe('the install layer starts with it');
    expect(because(plan, 'install')).toMatch(/^--from install/);
  });

  test('is the store, when a layer was removed', async () => {
    const plan = await planOf(world, { existing: new Map(), previous: base });
    expect(because(plan, 'disk')).toBe('its result is not in the checkpoint store');
  });
});

test('recipes that differ in later keys only share the installation, and those that end the same share more', async () => {
  recipe('tmux, chrony', 'tmux')(world);
  recipe('name: web', 'name: other')(world);
  const plan = await planOf(world, { existing: storeOf(base) });
  expect(running(plan)).toEqual(from('customize'));
  recipe('packages: [cloud-init, tmux]', 'packages: [cloud-init, tmux, chrony]')(world);
  recipe('compression: zlib', 'compression: zstd')(world);
  expect(running(await planOf(world, { existing: storeOf(base) }))).toEqual(from('sysprep'));
});
