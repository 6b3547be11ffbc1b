import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { familyOf } from '../../src/families/index.ts';
import { identities } from '../../src/families/linux/identities.ts';
import { leftovers } from '../../src/families/linux/leftovers.ts';
import { type FakeGuest, fakeGuest } from '../support/fake-guest.ts';
import { filesOf } from '../support/plan-input.ts';
import { argsOf, readyRecipe, rendered, rhelRecipe, words } from '../support/rhel.ts';

const script = async (name: string, release = '9.6', more = '') =>
  rendered(await readyRecipe(more, release), name).text;

/** Every file and link of a guest, but for what the test itself needs. */
function files(guest: FakeGuest): string[] {
  return readdirSync(guest.path('.'), { recursive: true })
    .map(String)
    .filter((path) => !/^(commands|calls)/.test(path) && !lstatSync(guest.path(path)).isDirectory())
    .toSorted();
}

/** A name for a pattern: something that it matches. */
const named = (pattern: string) => pattern.slice(1).replaceAll('*', 'x-1');

describe('a ready image that was booted', () => {
  /** As an instance leaves it: what cloud-init and its user have written, and what was there before. */
  function booted(): FakeGuest {
    const guest = fakeGuest();
    const homes = { root: 'root', 'cloud-user': 'home/cloud-user', svc: 'var/lib/svc' };
    const lines = Object.entries(homes).map(([user, home]) => `${user}:x:0:0::${guest.path(home)}:/bin/bash\n`);
    guest.write('etc/passwd', `${lines.join('')}nobody:x:99:99:Nobody:/:/sbin/nologin\n`);
    guest.write('etc/shadow', 'root:!!:1::::::\ncloud-user:$6$salt$hash:1::::::\n');
    for (const home of Object.values(homes)) guest.write(`${home}/.ssh/authorized_keys`, 'ssh-ed25519 AAAA builder\n');
    guest.write('home/of-ldap/.ssh/id_ed25519', 'key');
    guest.write('etc/ssh/keys/cloud-user', 'ssh-ed25519 AAAA builder\n');
    guest.write('etc/ssh/sshd_config', 'authorizedkeysfile .ssh/authorized_keys .keys\n');
    guest.write('etc/ssh/sshd_config.d/60-own.conf', `AuthorizedKeysFile ${guest.path('etc/ssh/keys')}/%u\n`);
    guest.write('root/.keys', 'ssh-ed25519 AAAA builder\n');
    guest.write('root/.bashrc', 'alias ll\n');
    for (const pattern of leftovers.filter((each) => each.startsWith('/'))) guest.write(named(pattern), 'x');
    guest.write('var/lib/cloud/instances/i-1/user-data.txt', 'password: x\n');
    guest.link('var/lib/cloud/instance', '/var/lib/cloud/instances/i-1');
    guest.write('etc/fstab', 'UUID=1 / xfs defaults 0 0\n/dev/vdb /mnt auto defaults,comment=cloudconfig 0 2\n');
    guest.write('etc/sysconfig/network', 'NETWORKING=yes\nHOSTNAME=first.example.com\n');
    guest.command('update-ca-trust');
    return guest;
  }
  const stays = ['etc/fstab', 'etc/passwd', 'etc/shadow', 'etc/ssh/sshd_config', 'etc/ssh/sshd_config.d/60-own.conf'];
  const untouched = [...stays, 'etc/sysconfig/network', 'root/.bashrc'].toSorted();

  test('keeps nothing of that boot', async () => {
    const guest = booted();
    const { status, output, calls } = guest.run(await script('leftovers.sh'));
    expect(output).toMatch(/^(vmkiln: .*\n)+$/);
    expect(output).toContain('accounts of the ready image that have a password: cloud-user\n');
    expect({ status, calls }).toEqual({ status: 0, calls: ['update-ca-trust extract'] });
    expect(files(guest)).toEqual(untouched);
    expect(guest.read('etc/fstab')).toBe('UUID=1 / xfs defaults 0 0\n');
    expect(guest.read('etc/sysconfig/network')).toBe('NETWORKING=yes\nHOSTNAME=localhost.localdomain\n');
    expect(guest.run(await script('leftovers.sh'))).toMatchObject({ status: 0, calls: [] });
  });

  test('keeps what source.keep names, by path and by pattern', async () => {
    const guest = booted();
    const keep = ['/home/*/.ssh/authorized_keys', '/var/lib/cloud/instances', '/etc/fstab', '/etc/hostname'];
    const text = await script('leftovers.sh', '9.6', `keep: [${keep.map((path) => `'${path}'`).join(', ')}]`);
    expect(guest.run(text)).toMatchObject({ status: 0 });
    const more = ['etc/hostname', 'home/cloud-user/.ssh/authorized_keys', 'var/lib/cloud/instances/i-1/user-data.txt'];
    expect(files(guest)).toEqual([...untouched, ...more].toSorted());
    expect(guest.read('etc/fstab')).toContain('comment=cloudconfig');
  });

  test('has the scripts run that packages have for cloud-init clean', async () => {
    const guest = booted();
    guest.command('../etc/cloud/clean.d/10-own');
    guest.write('etc/cloud/clean.d/README', 'no program');
    const { calls } = guest.run(await script('leftovers.sh'));
    expect(calls).toContainEqual(expect.stringContaining('clean.d/10-own'));
  });

  test('is cleaned before the steps of the recipe, and the plan says of what', async () => {
    const recipe = await readyRecipe(
      '',
      '9.6',
      'customize: [{ write: { path: /root/.ssh/authorized_keys, content: x } }]\n',
    );
    const args = words(argsOf(familyOf(recipe).sysprep(recipe, filesOf(recipe)))).join(' ');
    expect(args).toMatch(
      /--run <leftovers.sh> .*--write \/root\/.ssh\/authorized_keys:x .*--run <check.sh> --run <clean.sh>/,
    );
    const [note] = familyOf(recipe).notes(recipe);
    for (const pattern of leftovers.filter((each) => each.startsWith('/'))) expect(note).toContain(pattern);
    const installed = await rhelRecipe('', '9.6');
    const other = words(argsOf(familyOf(installed).sysprep(installed, filesOf(installed))));
    expect(other).not.toContain('<leftovers.sh>');
    expect(args).toContain('--run <leftovers.sh> --delete /etc/resolv.conf --run <guest.sh>');
    const kept = await readyRecipe('keep: [/etc/resolv.conf]');
    expect(words(argsOf(familyOf(kept).sysprep(kept, filesOf(kept))))).not.toContain('--delete');
    await expect(rhelRecipe('', '9.6', '{ iso: /x.iso, keep: [/root/.ssh] }')).rejects.toThrow(/keep with image only/);
    await expect(readyRecipe('keep: [.ssh]')).rejects.toThrow(/absolute path in the image/);
  });
});

describe('an image in which cloud-init would not run is refused', () => {
  const units = ['cloud-init-local', 'cloud-init', 'cloud-config', 'cloud-final'];
  function sound(): FakeGuest {
    const guest = fakeGuest();
    for (const unit of units) {
      guest.write(`usr/lib/systemd/system/${unit}.service`, '[Install]\nWantedBy=cloud-init.target\n');
      guest.link(
        `etc/systemd/system/cloud-init.target.wants/${unit}.service`,
        `/usr/lib/systemd/system/${unit}.service`,
      );
    }
    guest.write('etc/cloud/cloud.cfg', 'datasource_list: []\n');
    guest.write('etc/cloud/cloud.cfg.d/99_vmkiln.cfg', 'datasource_list: [ConfigDrive, None]\n');
    guest.write('etc/cloud/ds-identify.cfg', 'policy: search,found=all,maybe=all,notfound=disabled\n');
    guest.write('etc/default/grub', '# cloud-init=disabled would stop it\nGRUB_CMDLINE_LINUX="cloud-init=enabled"\n');
    return guest;
  }
  let check: string;
  beforeAll(async () => {
    check = await script('check.sh');
  });

  test('a sound one is not', () => {
    expect(sound().run(check)).toMatchObject({ status: 0, output: '' });
  });

  const unit = 'etc/systemd/system/cloud-config.service';
  const wants = 'etc/systemd/system/cloud-init.target.wants';
  const late = 'etc/cloud/cloud.cfg.d/zz.cfg';
  test.each<[string, RegExp, (guest: FakeGuest) => void]>([
    [
      'the file that disables it',
      /cloud-init.disabled is there/,
      (guest) => guest.write('etc/cloud/cloud-init.disabled', ''),
    ],
    ['a masked unit', /cloud-config.service is masked/, (guest) => guest.link(unit, '/dev/null')],
    ['an empty unit', /cloud-config.service is masked/, (guest) => guest.write(unit, '')],
    [
      'a masked target',
      /cloud-init.target is masked/,
      (guest) => guest.link('etc/systemd/system/cloud-init.target', '/dev/null'),
    ],
    ['a unit that is disabled', /its services are disabled: systemctl enable/, (guest) => guest.remove(wants)],
    [
      'services of RHEL 6 that are off',
      /its services are off: chkconfig cloud-init on/,
      (guest) => {
        guest.remove('usr/lib');
        guest.remove(wants);
        guest.write('etc/rc.d/init.d/cloud-init', '');
        guest.write('etc/rc.d/rc3.d/K51cloud-init', '');
      },
    ],
    [
      'a kernel argument in grub.cfg',
      /grub.cfg has the kernel argument cloud-init=disabled/,
      (guest) => guest.write('boot/grub2/grub.cfg', '\tlinux /vmlinuz ro cloud-init=disabled\n'),
    ],
    [
      'one in an entry',
      /a-1.conf has the/,
      (guest) => guest.write('boot/loader/entries/a-1.conf', 'options cloud-init=disabled ro\n'),
    ],
    [
      'one in grubenv',
      /grubenv has the/,
      (guest) => guest.write('boot/grub2/grubenv', '# GRUB\nkernelopts=cloud-init=disabled\n####'),
    ],
    [
      'one for kernels to come',
      /default\/grub has the/,
      (guest) => guest.write('etc/default/grub', 'GRUB_CMDLINE_LINUX="cloud-init=disabled"\n'),
    ],
    [
      'a policy of ds-identify',
      /policy: disabled/,
      (guest) => guest.write('etc/cloud/ds-identify.cfg', 'policy: disabled\n'),
    ],
    ['no data source', /datasource_list of .*zz.cfg is empty/, (guest) => guest.write(late, 'datasource_list: [ ]\n')],
    [
      'a list of none',
      /zz.cfg is empty/,
      (guest) => guest.write(late, 'a: 1\ndatasource_list:\n  # why\n  - None\nb: [x]\n'),
    ],
    ['a list of nothing', /zz.cfg is empty/, (guest) => guest.write(late, 'datasource_list:\nb: [x]\n')],
  ])('%s', (_, message, change) => {
    const guest = sound();
    change(guest);
    const { status, output } = guest.run(check);
    expect(output).toMatch(message);
    expect(status).toBe(1);
  });

  test.each(['datasource_list:\n- OpenStack\n', 'datasource_list: [\n  "Ec2", # one\n]\n', 'other: 1\n'])(
    'a list that names one: %j',
    (text) => {
      const guest = sound();
      guest.write(late, text);
      expect(guest.run(check)).toMatchObject({ status: 0, output: '' });
    },
  );
});

describe('what clones must not share', () => {
  test.each(['6.10', '7.9', '9.6'])('is not in an image of RHEL %s, and the documents list it', async (release) => {
    const guest = fakeGuest();
    const paths = identities.flatMap((identity) => identity.paths);
    for (const path of paths) guest.write(named(path), 'x');
    guest.write('etc/ssh/ssh_host_ed25519_key.pub', 'x');
    for (const path of ['var/lib/dbus/machine-id', 'tmp/x', 'var/tmp/x']) guest.write(path, 'x');
    guest.write('etc/machine-info', `PRETTY_HOSTNAME=x\nKERNEL_INSTALL_MACHINE_ID=${'a'.repeat(32)}\n`);
    guest.write('etc/kernel/entry-token', `${'a'.repeat(32)}\n`);
    expect(guest.run(await script('clean.sh', release))).toMatchObject({ status: 0, output: '' });
    expect(files(guest)).toEqual(['etc/machine-info']);
    expect(guest.read('etc/machine-info')).toBe('PRETTY_HOSTNAME=x\n');
    const page = readFileSync(join(import.meta.dirname, '../../docs/images.md'), 'utf8');
    for (const path of paths) expect(page).toContain(`\`${path}\``);
  });
});

const [own, old] = ['0123456789abcdef'.repeat(2), 'fedcba9876543210'.repeat(2)];
const editenv = 'case "$2" in list) cat grubenv ;; set) echo "$3" > grubenv ;; esac';

describe('at its first boot a clone', () => {
  let identity: string;
  beforeAll(async () => {
    identity = await script('identity.sh');
  });

  function clone(more: Record<string, string> = {}): FakeGuest {
    const guest = fakeGuest();
    const entries = {
      'etc/machine-id': `${own}\n`,
      'boot/grub2/grubenv': `saved_entry=${old}-5.14.0-1.el9\n`,
      [`boot/loader/entries/${old}-5.14.0-1.el9.conf`]: 'linux /vmlinuz-5.14.0-1.el9\n',
      [`boot/loader/entries/${old}-0-rescue.conf`]: `linux /vmlinuz-0-rescue-${old}\ninitrd /initramfs-0-rescue-${old}.img\n`,
      [`boot/vmlinuz-0-rescue-${old}`]: 'kernel',
      [`boot/initramfs-0-rescue-${old}.img`]: 'initramfs',
      'boot/loader/entries/custom.conf': 'linux /custom\n',
      ...more,
    };
    for (const [path, text] of Object.entries(entries)) guest.write(path, text);
    guest.command('grub2-editenv', editenv.replaceAll('grubenv', guest.path('boot/grub2/grubenv')));
    return guest;
  }
  const run = (guest: FakeGuest) => guest.run(identity.replace(/^PATH=.*$/m, ''));

  test('has the entries of its kernels, and the saved one, under its own machine-id', () => {
    const guest = clone();
    for (let times = 0; times < 2; times += 1) {
      expect(run(guest)).toMatchObject({ status: 0, output: '' });
      expect(files(guest)).toEqual(
        [
          ...[`boot/initramfs-0-rescue-${own}.img`, `boot/vmlinuz-0-rescue-${own}`, 'boot/grub2/grubenv'],
          ...[`${own}-5.14.0-1.el9`, `${own}-0-rescue`, 'custom'].map((name) => `boot/loader/entries/${name}.conf`),
          'etc/machine-id',
        ].toSorted(),
      );
      expect(guest.read('boot/grub2/grubenv')).toBe(`saved_entry=${own}-5.14.0-1.el9\n`);
      expect(guest.read(`boot/loader/entries/${own}-0-rescue.conf`)).toBe(
        `linux /vmlinuz-0-rescue-${own}\ninitrd /initramfs-0-rescue-${own}.img\n`,
      );
    }
  });

  test('has one entry of a kernel that was installed meanwhile, and goes on where it was interrupted', () => {
    const guest = clone({ [`boot/loader/entries/${own}-5.14.0-1.el9.conf`]: 'newer\n' });
    guest.remove(`boot/vmlinuz-0-rescue-${old}`);
    guest.write(`boot/vmlinuz-0-rescue-${own}`, 'kernel');
    expect(run(guest).status).toBe(0);
    expect(guest.read(`boot/loader/entries/${own}-5.14.0-1.el9.conf`)).toBe('newer\n');
    expect(files(guest).filter((path) => path.includes(old))).toEqual([]);
  });

  test.each(['', 'uninitialized\n', 'x'.repeat(32)])('without a machine-id (%j) renames nothing', (text) => {
    const guest = clone({ 'etc/machine-id': text });
    const before = files(guest);
    expect(run(guest).status).toBe(0);
    expect(files(guest)).toEqual(before);
  });

  test('makes the names that nothing else makes, once, and only where their programs are', () => {
    const bare = fakeGuest();
    expect(run(bare)).toMatchObject({ status: 0, output: '' });
    expect(files(bare)).toEqual([]);
    const guest = fakeGuest();
    guest.write('etc/iscsi/iscsid.conf', '');
    guest.command('iscsi-iname', 'echo iqn.1994-05.com.redhat:$$');
    guest.command('nvme', 'echo nqn.2014-08.org.nvmexpress:uuid:$$');
    expect(run(guest)).toMatchObject({ status: 0, output: '' });
    const names = ['etc/iscsi/initiatorname.iscsi', 'etc/nvme/hostnqn', 'etc/nvme/hostid'];
    const made = names.map((path) => guest.read(path));
    expect(made[0]).toMatch(/^InitiatorName=iqn\.1994-05\.com\.redhat:\d+\n$/);
    expect(made[1]).toMatch(/^nqn\.2014-08\.org\.nvmexpress:uuid:\d+\n$/);
    expect(made[2]).toBe(made[1]?.replace(/^.*uuid:/, ''));
    expect(lstatSync(guest.path(names[0] ?? '')).mode & 0o777).toBe(0o600);
    run(guest);
    expect(names.map((path) => guest.read(path))).toEqual(made);
  });

  test('has that done before its services: by systemd, by Upstart on RHEL 6', async () => {
    for (const [release, unit] of [
      ['9.6', '/etc/systemd/system/sysinit.target.wants/vmkiln-identity.service'],
      ['6.10', '/etc/init/vmkiln-identity.conf'],
    ] as const) {
      const recipe = await rhelRecipe('', release);
      const args = words(argsOf(familyOf(recipe).sysprep(recipe, filesOf(recipe)))).join(' ');
      expect(args).toContain(':/usr/libexec/vmkiln-identity --chmod 0755:/usr/libexec/vmkiln-identity ');
      expect(args).toContain(`:${unit} `);
    }
  });
});
