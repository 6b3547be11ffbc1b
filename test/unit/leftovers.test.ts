import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { familyOf } from '../../src/families/index.ts';
import { leftovers, leftoversNote } from '../../src/families/linux/leftovers.ts';
import { everything, type FakeGuest, fakeGuest } from '../support/fake-guest.ts';
import { filesOf } from '../support/plan-input.ts';
import { argsOf, readyRecipe, rendered, rhelRecipe, words } from '../support/rhel.ts';

const script = async (name: string, release = '9.6', more = '') =>
  rendered(await readyRecipe(more, release), name).text;

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
    expect(everything(guest)).toEqual(untouched);
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
    expect(everything(guest)).toEqual([...untouched, ...more].toSorted());
    expect(guest.read('etc/fstab')).toContain('comment=cloudconfig');
  });

  test('whatever is there and whatever is kept, the rest goes, nothing else does, and a second run changes nothing', async () => {
    const files = fc.uniqueArray(
      fc.constantFrom(
        ...['root/.ssh/authorized_keys', 'root/.ssh/id_rsa', 'home/a b/.ssh/authorized_keys', 'home/a b/.bashrc'],
        ...['var/lib/cloud/seed/nocloud/meta-data', 'var/lib/cloud/data/x y', 'var/lib/cloud2/x', 'etc/hostname'],
        ...[
          'etc/sysconfig/network-scripts/route-eth0',
          'etc/sysconfig/network-scripts/ifcfg-eth0',
          'etc/sudoers.d/own',
        ],
      ),
    );
    const patterns = fc.uniqueArray(
      fc.constantFrom('/root/.ssh/id_*', '/var/lib/cloud/seed', '/home/*/.ssh', '/etc/*', '/var/lib/cloud/data/x?y'),
    );
    const goes = /^(root|home\/a b)\/\.ssh\/|^var\/lib\/cloud\/|^etc\/hostname$|\/route-eth0$/;
    const kept = (path: string, keep: string[]) =>
      keep.some((pattern) =>
        new RegExp(`^${pattern.replaceAll('.', '\\.').replace('?', '.').replace('*', '.*')}(/|$)`).test(`/${path}`),
      );
    await fc.assert(
      fc.asyncProperty(files, patterns, async (paths, keep) => {
        const guest = fakeGuest();
        guest.write('etc/passwd', `root:x:0:0::${guest.path('root')}:/bin/bash\n`);
        guest.write('etc/shadow', '');
        for (const path of paths) guest.write(path, 'x');
        const text = await script('leftovers.sh', '9.6', `keep: [${keep.map((pattern) => `'${pattern}'`).join(', ')}]`);
        const left = paths.filter((path) => !goes.test(path) || kept(path, keep));
        for (let times = 0; times < 2; times += 1) {
          expect(guest.run(text).status).toBe(0);
          expect(everything(guest)).toEqual([...left, 'etc/passwd', 'etc/shadow'].toSorted());
        }
      }),
      { numRuns: 15 },
    );
  }, 60_000);

  test('has the scripts run that packages have for cloud-init clean', async () => {
    const guest = booted();
    guest.command('../etc/cloud/clean.d/10-own');
    guest.write('etc/cloud/clean.d/README', 'no program');
    const { calls } = guest.run(await script('leftovers.sh'));
    expect(calls).toContainEqual(expect.stringContaining('clean.d/10-own'));
  });

  test('is cleaned before the steps of the recipe, and the page says of what', async () => {
    const recipe = await readyRecipe(
      '',
      '9.6',
      'customize: [{ write: { path: /root/.ssh/authorized_keys, content: x } }]\n',
    );
    const args = words(argsOf(familyOf(recipe).sysprep(recipe, filesOf(recipe)))).join(' ');
    expect(args).toMatch(/--run <leftovers.sh> .*--write \/root\/.ssh\/authorized_keys:x .*--run <seal.sh>$/);
    expect(familyOf(recipe).notes(recipe)).toContain(leftoversNote);
    const page = readFileSync('docs/images.md', 'utf8');
    for (const pattern of leftovers.filter((each) => each.startsWith('/'))) expect(page).toContain(`\`${pattern}\``);
    const installed = await rhelRecipe('', '9.6');
    const other = words(argsOf(familyOf(installed).sysprep(installed, filesOf(installed))));
    expect(other).not.toContain('<leftovers.sh>');
    expect(args).toContain('--run <leftovers.sh> --delete /etc/resolv.conf --run <kernel.sh> ');
    const kept = await readyRecipe('keep: [/etc/resolv.conf]');
    expect(words(argsOf(familyOf(kept).sysprep(kept, filesOf(kept))))).not.toContain('--delete');
    await expect(rhelRecipe('', '9.6', '{ iso: /x.iso, keep: [/root/.ssh] }')).rejects.toThrow(/keep with image only/);
    await expect(readyRecipe('keep: [.ssh]')).rejects.toThrow(/absolute path in the image/);
  });
});
