import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { type FakeGuest, fakeGuest } from '../support/fake-guest.ts';
import { rendered, rhelRecipe } from '../support/rhel.ts';

const cloudConfig = `users:
 - default

cloud_init_modules:
 - migrator
 - [ssh, always]
 # the last one
 - update_hostname

cloud_config_modules:
 - mounts
`;

let script: string;
beforeAll(async () => {
  script = rendered(await rhelRecipe(), 'guest.sh').text;
});

function installed(): FakeGuest {
  const guest = fakeGuest();
  guest.write('etc/cloud/cloud.cfg', cloudConfig);
  guest.write('etc/default/grub', 'GRUB_TIMEOUT=1\nGRUB_CMDLINE_LINUX="crashkernel=auto rhgb quiet"\n');
  guest.write('etc/sysconfig/network', '# Created by anaconda\n');
  guest.command('grub2-mkconfig');
  guest.command('usermod');
  return guest;
}

const assignments = (text: string | undefined, name: string) =>
  (text ?? '').split('\n').filter((line) => new RegExp(`^\\s*(export\\s+)?${name}=`).test(line));

test('a fresh installation becomes what the guide describes', () => {
  const guest = installed();
  guest.write('etc/sysconfig/network-scripts/ifcfg-lo', 'DEVICE=lo\n');
  guest.write('etc/sysconfig/network-scripts/ifcfg-ens3', 'DEVICE=ens3\n');
  guest.write('etc/sysconfig/network-scripts/ifcfg-eth0', 'HWADDR=52:54:00:00:00:01\nUUID=1\n');
  const { status, calls, output } = guest.run(script);
  expect(output).not.toMatch(/error|not found/i);
  expect(status).toBe(0);
  expect(guest.read('etc/sysconfig/network-scripts/ifcfg-eth0')).toBe(
    'TYPE=Ethernet\nDEVICE=eth0\nONBOOT=yes\nBOOTPROTO=dhcp\nNM_CONTROLLED=no\n',
  );
  expect(guest.read('etc/sysconfig/network-scripts/ifcfg-ens3')).toBeUndefined();
  expect(guest.read('etc/sysconfig/network-scripts/ifcfg-lo')).toBe('DEVICE=lo\n');
  expect(guest.read('etc/sysconfig/network')).toBe('# Created by anaconda\nNOZEROCONF=yes\n');
  expect(guest.read('etc/default/grub')).toBe(
    'GRUB_TIMEOUT=1\nGRUB_CMDLINE_LINUX="crashkernel=auto rhgb quiet net.ifnames=0 biosdevname=0"\n' +
      'GRUB_CMDLINE_LINUX_DEFAULT="console=tty0 console=ttyS0,115200n8"\n',
  );
  expect(guest.read('etc/cloud/cloud.cfg')).toBe(
    cloudConfig.replace(' - update_hostname\n', ' - update_hostname\n - resolv-conf\n'),
  );
  expect(calls).toEqual(['grub2-mkconfig -o /boot/grub2/grub.cfg', 'usermod -p !! root']);
});

test('kernel arguments of the recipe are there once, whatever the installer has left', async () => {
  const more = 'install: { kernelArguments: [fips=1, "a.b=1/2", inst.sshd] }\n';
  const guest = installed();
  guest.write('etc/default/grub', 'GRUB_CMDLINE_LINUX="fips=1 axb=1/2 quiet"\n');
  const { status } = guest.run(rendered(await rhelRecipe(more), 'guest.sh').text);
  expect(status).toBe(0);
  expect(guest.read('etc/default/grub')).toContain(
    'GRUB_CMDLINE_LINUX="axb=1/2 quiet net.ifnames=0 biosdevname=0 fips=1 a.b=1/2"\n',
  );
});

test('under UEFI GRUB reads its configuration from the EFI partition', async () => {
  const { calls } = installed().run(rendered(await rhelRecipe('machine: { firmware: uefi }\n'), 'guest.sh').text);
  expect(calls[0]).toBe('grub2-mkconfig -o /boot/efi/EFI/redhat/grub.cfg');
});

test('without cloud-init, or with a cloud.cfg it cannot edit, it says so and fails', () => {
  const bare = fakeGuest();
  expect(bare.run(script)).toMatchObject({
    status: 1,
    output: expect.stringContaining('cloud-init is not installed: add cloud-init to packages'),
  });
  for (const text of ['users: []\n', 'cloud_init_modules: [a, b]\n', '']) {
    const guest = installed();
    guest.write('etc/cloud/cloud.cfg', text);
    expect(guest.run(script)).toMatchObject({
      status: 1,
      output: expect.stringContaining('has no list cloud_init_modules'),
    });
    expect(guest.read('etc/cloud/cloud.cfg')).toBe(text);
  }
});

test('initramfs images made before the build are made again, for any machine', () => {
  const guest = installed();
  for (const version of ['3.10.0-1', '3.10.0-2']) {
    guest.write(`boot/initramfs-${version}.img`, '');
    guest.write(`lib/modules/${version}/modules.dep`, '');
  }
  guest.write('boot/initramfs-0-rescue-abc.img', '');
  guest.write('etc/dracut.conf.d/vmkiln.conf', '');
  guest.age('boot/initramfs-3.10.0-1.img', 2);
  guest.age('boot/initramfs-0-rescue-abc.img', 2);
  guest.age('etc/dracut.conf.d/vmkiln.conf', 1);
  guest.command('dracut');
  const { calls } = guest.run(script);
  expect(calls.filter((call) => call.startsWith('dracut'))).toEqual([
    'dracut --force /boot/initramfs-3.10.0-1.img 3.10.0-1',
  ]);
});

const eol = fc.constantFrom('\n', '\r\n');
const file = (line: fc.Arbitrary<string>) =>
  fc
    .tuple(fc.array(line, { maxLength: 6 }), eol, fc.boolean())
    .map(([lines, end, final]) => lines.join(end) + (final && lines.length > 0 ? end : ''));
const networkFile = file(
  fc.constantFrom(
    'NETWORKING=yes',
    'NOZEROCONF=no',
    ' NOZEROCONF=yes',
    'export NOZEROCONF="no"',
    '#NOZEROCONF=no',
    '',
    'XNOZEROCONF=1',
    'A="%s\\t"',
  ),
);
const wantedArguments = {
  GRUB_CMDLINE_LINUX: 'net.ifnames=0 biosdevname=0',
  GRUB_CMDLINE_LINUX_DEFAULT: 'console=tty0 console=ttyS0,115200n8',
};
const ours = /^(console=tty0|console=ttyS0(,.*)?|net\.ifnames=.*|biosdevname=.*)$/;

const shell = (text: string, then: string) =>
  execFileSync('bash', ['--norc', '-c', `${text}\n${then}`], { encoding: 'utf8', env: { PATH: '/usr/bin:/bin' } });

/** What a shell says that a file makes of a variable. */
const sourced = (text: string, name: string) => shell(text, `printf %s "\${${name}-}"`);

/** The variables that an edit has no business with. */
const otherVariables = (text: string) => shell(text, "set | grep -v '^BASH\\|^_=\\|^PIPESTATUS\\|^GRUB_CMDLINE_LINUX'");

/** Arguments but for those of ours, and these at the end. A blank within double quotes ends none. */
const withWanted = (value: string, wanted: string) =>
  [...(value.match(/(?:"[^"]*"|[^\s"])+/g) ?? []).filter((word) => !ours.test(word)), wanted].join(' ');

const argument = fc.constantFrom(
  'rhgb',
  'quiet',
  'console=tty0',
  'console=ttyS0,9600',
  'console=hvc0',
  'net.ifnames=1',
  'net.ifnames=0',
  'biosdevname=0',
);
const commandLine = fc
  .tuple(fc.constantFrom('"', "'"), fc.array(argument, { maxLength: 6 }))
  .map(([quote, words]) => `GRUB_CMDLINE_LINUX=${quote}${words.join('  ')}${quote}`);
const grubFile = file(
  fc.oneof(
    commandLine,
    fc.constantFrom(
      'GRUB_TIMEOUT=5',
      'GRUB_DISTRIBUTOR="$(sed \'s, release .*$,,g\' /dev/null)"',
      'GRUB_CMDLINE_LINUX="a \\\n b"',
      "GRUB_CMDLINE_LINUX_DEFAULT='a\n b=1'",
      '#GRUB_CMDLINE_LINUX="x"',
      'GRUB_CMDLINE_LINUX_DEFAULT=quiet',
      '',
      'GRUB_CMDLINE_LINUX=rhgb # why',
      'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX audit=1"; GRUB_TIMEOUT=3',
      'GRUB_CMDLINE_LINUX="${GRUB_CMDLINE_LINUX:+$GRUB_CMDLINE_LINUX }audit=1"',
      'GRUB_CMDLINE_LINUX+=" x=\\"y  console=tty0\\""',
      'export GRUB_CMDLINE_LINUX=a" b"\\ c',
      'if [ -n "$NONE" ]; then\nGRUB_CMDLINE_LINUX="never"\nfi',
      '[ -z "$NONE" ] && GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX dyndbg=\\"file foo.c +p\\""',
      'GRUB_CMDLINE_XEN="$GRUB_CMDLINE_LINUX xen"',
      'GRUB_CMDLINE_LINUX_DEFAULT="$GRUB_CMDLINE_LINUX `echo quiet`"',
      'CONSOLE=ttyS0,9600\nGRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX console=${CONSOLE} a=\\$b"',
    ),
  ),
);
const modules = fc.array(
  fc.constantFrom(
    'migrator',
    'ssh',
    'resolv-conf',
    'resolv_conf',
    '[resolv-conf, always]',
    '"resolv-conf"',
    'resolv-conf-not',
    'users-groups # why',
  ),
  { minLength: 1, maxLength: 5 },
);
const cloudFile = fc
  .tuple(
    modules,
    fc.constantFrom('', ' ', '  ', '    '),
    fc.constantFrom('', '\n', '# comment\n'),
    fc.boolean(),
    eol,
    fc.boolean(),
  )
  .map(([names, indent, gap, more, end, final]) => {
    const list = `cloud_init_modules:\n${gap}${names.map((name) => `${indent}- ${name}\n`).join('')}`;
    const text = `users:\n - default\n\n${list}${more ? `${gap}cloud_final_modules:\n${indent}- ssh\n` : ''}`;
    return (final ? text : text.trimEnd()).replaceAll('\n', end);
  });

test('whatever the files held before, each edit is there once, nothing else is lost, and a second run changes nothing', () => {
  fc.assert(
    fc.property(networkFile, grubFile, cloudFile, (network, grub, cloud) => {
      const guest = installed();
      guest.write('etc/sysconfig/network', network);
      guest.write('etc/default/grub', grub);
      guest.write('etc/cloud/cloud.cfg', cloud);
      expect(guest.run(script).status).toBe(0);
      const after = ['etc/sysconfig/network', 'etc/default/grub', 'etc/cloud/cloud.cfg'].map(
        (path) => guest.read(path) ?? '',
      );
      const [networkNow = '', grubNow = '', cloudNow = ''] = after;

      expect(assignments(networkNow, 'NOZEROCONF')).toEqual(['NOZEROCONF=yes']);
      const others = (text: string) =>
        text.split(/\r?\n/).filter((line) => line !== '' && !/^\s*(export\s+)?NOZEROCONF=/.test(line));
      expect(others(networkNow)).toEqual(others(network));

      for (const [name, wanted] of Object.entries(wantedArguments))
        expect(sourced(grubNow, name), name).toBe(withWanted(sourced(grub.replaceAll('\r', ''), name), wanted));
      expect(otherVariables(grubNow)).toBe(otherVariables(grub.replaceAll('\r', '')));

      const before = (parse(cloud) as { cloud_init_modules: unknown[] }).cloud_init_modules;
      const has = before.flat().some((name) => name === 'resolv-conf' || name === 'resolv_conf');
      expect(parse(cloudNow)).toEqual({
        ...parse(cloud),
        cloud_init_modules: has ? before : [...before, 'resolv-conf'],
      });
      expect(after.join('')).not.toContain('\r');

      expect(guest.run(script).status).toBe(0);
      expect(
        ['etc/sysconfig/network', 'etc/default/grub', 'etc/cloud/cloud.cfg'].map((path) => guest.read(path)),
      ).toEqual(after);
    }),
    { numRuns: 15 },
  );
}, 60_000);
