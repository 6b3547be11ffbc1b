import { lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { familyOf } from '../../src/families/index.ts';
import { identities } from '../../src/families/linux/identities.ts';
import { everything, type FakeGuest, fakeGuest } from '../support/fake-guest.ts';
import { filesOf } from '../support/plan-input.ts';
import { argsOf, rendered, rhelRecipe, words } from '../support/rhel.ts';

const script = async (name: string, release = '9.6') => rendered(await rhelRecipe('', release), name).text;

/** A name for a pattern: something that it matches. */
const named = (pattern: string) => pattern.slice(1).replaceAll('*', 'x-1');

describe('what clones must not share', () => {
  test.each(['6.10', '7.9', '9.6'])('is not in an image of RHEL %s, and the documents list it', async (release) => {
    const guest = fakeGuest();
    const paths = identities.flatMap((identity) => identity.paths);
    for (const path of paths) guest.write(named(path), 'x');
    guest.write('etc/ssh/ssh_host_ed25519_key.pub', 'x');
    for (const path of ['var/lib/dbus/machine-id', 'tmp/x', 'tmp/builder.log', 'var/tmp/x']) guest.write(path, 'x');
    guest.write('etc/machine-info', `PRETTY_HOSTNAME=x\nKERNEL_INSTALL_MACHINE_ID=${'a'.repeat(32)}\n`);
    guest.write('etc/kernel/entry-token', `${'a'.repeat(32)}\n`);
    guest.command('fstrim');
    guest.command('sync');
    expect(guest.run(await script('seal.sh', release))).toMatchObject({ status: 0, output: '' });
    // RHEL 6 has none, and no systemd to make one.
    expect(everything(guest)).toEqual([...(release === '6.10' ? [] : ['etc/machine-id']), 'etc/machine-info']);
    expect(guest.read('etc/machine-id') ?? '').toBe('');
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
      expect(everything(guest)).toEqual(
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
    expect(everything(guest).filter((path) => path.includes(old))).toEqual([]);
  });

  test.each(['', 'uninitialized\n', 'x'.repeat(32)])('without a machine-id (%j) renames nothing', (text) => {
    const guest = clone({ 'etc/machine-id': text });
    const before = everything(guest);
    expect(run(guest).status).toBe(0);
    expect(everything(guest)).toEqual(before);
  });

  test('makes the names that nothing else makes, once, and only where their programs are', () => {
    const bare = fakeGuest();
    expect(run(bare)).toMatchObject({ status: 0, output: '' });
    expect(everything(bare)).toEqual([]);
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

  test.each(['echo nqn.2014-08.org.nvmexpress:uuid:00000000-0000-0000-0000-000000000000', 'exit 1'])(
    'has a random NVMe name where the machine has no UUID (%s)',
    (body) => {
      const names = [1, 2].map(() => {
        const guest = fakeGuest();
        guest.command('nvme', body);
        expect(run(guest)).toMatchObject({ status: 0, output: '' });
        return guest.read('etc/nvme/hostnqn');
      });
      expect(names[0]).toMatch(
        /^nqn\.2014-08\.org\.nvmexpress:uuid:(?!0{8})[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\n$/,
      );
      expect(names[1]).not.toBe(names[0]);
    },
  );

  test('has a certificate of its own where Debian makes one, once', () => {
    const guest = fakeGuest();
    guest.command('make-ssl-cert', `echo key > ${guest.path('etc/ssl/private/ssl-cert-snakeoil.key')}`);
    guest.write('etc/ssl/private/.keep', '');
    expect(run(guest).calls).toEqual(['make-ssl-cert generate-default-snakeoil']);
    expect(run(guest).calls).toEqual([]);
  });

  test('has that done before its services: by systemd, by Upstart on RHEL 6', async () => {
    for (const [release, unit] of [
      ['9.6', '/etc/systemd/system/sysinit.target.wants/vmkiln-identity.service'],
      ['6.10', '/etc/init/vmkiln-identity.conf'],
    ] as const) {
      const recipe = await rhelRecipe('', release);
      const args = words(argsOf(familyOf(recipe).sysprep(recipe, filesOf(recipe)))).join(' ');
      expect(args).toContain(':/usr/libexec/vmkiln-identity --chmod 0755:/usr/libexec/vmkiln-identity ');
      // As the host's user owns what is uploaded, guest.sh gives it to root.
      const uploads = [...args.matchAll(/--upload \S+:(\S+)/g)].map(([, path]) => path);
      expect(rendered(recipe, 'guest.sh').text).toContain(`chown root:root ${uploads.join(' ')}\n`);
      expect(args).toContain(`:${unit} `);
    }
  });
});
