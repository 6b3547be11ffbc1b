import { describe, expect, test } from 'vitest';
import { sharedFile } from '../../src/families/linux/scripts.ts';
import { type FakeGuest, fakeGuest } from '../support/fake-guest.ts';

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
  const check = sharedFile('check.sh', { metadata: false }).text;

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

  test('with the network left to cloud-init, a file that forbids it', () => {
    const left = sharedFile('check.sh', { metadata: true }).text;
    expect(sound().run(left)).toMatchObject({ status: 0, output: '' });
    for (const text of ['network: {config: disabled}\n', 'network:\n  # why\n  config: "disabled"\n']) {
      const guest = sound();
      guest.write(late, text);
      expect(guest.run(left)).toMatchObject({
        status: 1,
        output: expect.stringContaining('zz.cfg disables its network configuration'),
      });
      expect(guest.run(check).status).toBe(0);
      guest.write(late, `${text.replace('network', 'other')}network:\n  version: 2\n`);
      expect(guest.run(left).status).toBe(0);
    }
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
