import { execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { renderTemplate } from '../../src/answers/templates.ts';
import { partitionOrder } from '../../src/families/rhel/kickstart/order.ts';
import { rhelRelease } from '../../src/families/rhel/releases.ts';
import { kickstartView } from '../../src/families/rhel/views.ts';
import { releaseFolder } from '../../src/rehearsal/practice-dvd.ts';
import { rhelRecipe } from '../support/rhel.ts';

const folder = mkdtempSync(join(tmpdir(), 'practice-disks-'));

const program = `
import json, sys
import configure, filesystems, kickstart, layout, partitioning
path, release, firmware, size = sys.argv[1:]
facts = dict(configure.read_release(release + "/release.env"), firmware=firmware)
found = {"vda": {"size": int(size), "label": None, "formatted": False, "partitions": []}}
try:
    ks = kickstart.read(path, kickstart.load_commands(release + "/commands"))
    plan = partitioning.plan(ks, found, {}, facts, lambda what: None)
    for number, one in enumerate(plan["devices"]):
        one["uuid"] = f"U{number}"
    print(json.dumps({"label": plan["tables"]["vda"]["label"], "parts": [[one["mount"], one["type"], one["size"]] for one in plan["devices"]],
                      "fstab": filesystems.fstab(plan["devices"], facts, "now")}))
except (layout.StorageError, kickstart.KickstartError) as error:
    print(json.dumps({"error": str(error)}))
`;

type Plan = { error?: string; label: string; parts: [string, string, number][]; fstab: string };

/** What the practice installer would make of a kickstart on an empty disk of `size` MiB. */
function plan(kickstart: string, release: string, firmware: 'bios' | 'uefi', size = 10240): Plan {
  const file = join(folder, 'x.ks');
  writeFileSync(file, kickstart);
  const installer = join(releaseFolder(release), '../installer');
  const args = ['-B', '-W', 'ignore', '-c', program, file, releaseFolder(release), firmware, `${size}`];
  return JSON.parse(
    execFileSync('python3', args, { encoding: 'utf8', env: { ...process.env, PYTHONPATH: installer } }),
  );
}

describe.each(['7', '8', '9', '10'])('with UEFI, the kickstart of RHEL %s', (major) => {
  test('has an EFI system partition before the root, on a GPT', async () => {
    const recipe = await rhelRecipe('machine: { firmware: uefi }', `${major}.0`);
    const { kickstart } = rhelRelease(recipe);
    const { text } = renderTemplate(`kickstart/${kickstart}`, 'ks.cfg', 'text', kickstartView(recipe));
    const { label, parts, fstab } = plan(text, major, 'uefi');
    const size = major === '7' ? 200 : 600;
    expect(label).toBe('gpt');
    expect(parts).toEqual([
      ['/boot/efi', 'efi', size],
      ['/', 'xfs', 10240 - 2 - size],
    ]);
    // A part /boot/efi has other options than what reqpart makes.
    const options =
      major === '7' ? 'defaults,uid=0,gid=0,umask=0077,shortname=winnt 0 0' : 'umask=0077,shortname=winnt 0 2';
    expect(fstab).toMatch(new RegExp(`^UUID=U0 /boot/efi +vfat +${options}$`, 'm'));
  });
});

test('what the firmware needs and the kickstart does not give ends the installation in its words', () => {
  const parts = 'zerombr\nclearpart --all --initlabel --disklabel=gpt\npart / --size=1000 --grow\n';
  expect(plan(parts, '9', 'uefi').error).toMatch(/^For a UEFI installation, you must include an EFI System Partition/);
  expect(plan(parts, '9', 'bios').error).toMatch(/^Your BIOS-based system needs a special partition/);
  expect(plan(`${parts}reqpart\n`, '9', 'bios').parts[0]).toEqual(['biosboot', 'biosboot', 1]);
});

describe('partitions lie on the disk in the order of Anaconda', () => {
  const start = 'zerombr\nclearpart --all --initlabel\n';
  const mounts = (parts: string, release = '9') =>
    plan(`${start}${parts}`, release, 'bios').parts.map(([mount]) => mount);

  test('fixed before growing, larger before smaller, what boots first', () => {
    const parts = 'part / --size=1024 --grow\npart swap --size=512\npart /var --size=2048\npart /boot --size=300\n';
    expect(mounts(parts)).toEqual(['/boot', '/var', 'swap', '/']);
  });

  test('what is primary comes before what is larger', () => {
    expect(mounts('part swap --size=512\npart / --size=256 --grow --asprimary\n')).toEqual(['/', 'swap']);
  });

  test('the shipped kickstarts keep the root last when partitions are added', async () => {
    for (const major of ['6', '7', '8']) {
      const recipe = await rhelRecipe('', `${major}.0`);
      const { kickstart } = rhelRelease(recipe);
      const { text } = renderTemplate(`kickstart/${kickstart}`, 'ks.cfg', 'text', kickstartView(recipe));
      expect(mounts(`${text}part swap --size=512\npart /var --size=2048\n`, major).at(-1)).toBe('/');
    }
  });

  test('the lint has the same order', () => {
    const wish = fc.record({
      mount: fc.constantFrom('/', '/a', '/b', '/boot', '/boot/efi', 'biosboot', 'swap'),
      size: fc.constantFrom(1, 2, 3),
      grow: fc.boolean(),
      maxsize: fc.constantFrom(0, 5, 6),
      asprimary: fc.boolean(),
      placed: fc.boolean(),
    });
    const lists = fc.sample(fc.uniqueArray(wish, { selector: ({ mount }) => mount, maxLength: 6 }), 200).map((list) =>
      list.map((one) =>
        // Of two that are alike, what has no mount point may lie on either side.
        one.mount.startsWith('/') ? { ...one, fstype: '' } : { ...one, fstype: one.mount, size: one.size + 10 },
      ),
    );
    const sorted = `
import functools, json, sys
import layout
for wishes in json.load(sys.stdin):
    requests = [dict(one, type=one["fstype"], max=one["maxsize"] or None, primary=one["asprimary"]) for one in wishes]
    print(json.dumps([one["mount"] for one in sorted(requests, key=functools.cmp_to_key(layout.compare))]))
`;
    const env = { ...process.env, PYTHONPATH: join(releaseFolder('9'), '../installer') };
    const out = execFileSync('python3', ['-B', '-c', sorted], { input: JSON.stringify(lists), encoding: 'utf8', env });
    const theirs = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
    expect(lists.map((list) => partitionOrder(list).map(({ mount }) => mount))).toEqual(theirs);
  });
});

test('autopart makes a volume group unless it is told otherwise, with a /home where there is room', () => {
  const parts = (options: string, size: number, release = '9') =>
    plan(`zerombr\nclearpart --all\nautopart ${options}\n`, release, 'bios', size).parts;
  // An extent is 4 MiB, and the physical volume keeps one MiB.
  expect(parts('', 10240)).toEqual([
    ['/boot', 'xfs', 1024],
    ['pv.auto', 'lvmpv', 9214],
    ['/', 'xfs', 8188],
    ['swap', 'swap', 1024],
  ]);
  expect(parts('--type=plain --noswap', 10240, '8').map(([mount, type]) => `${mount} ${type}`)).toEqual([
    '/boot xfs',
    '/ xfs',
  ]);
  const large = parts('', 200 * 1024);
  expect(large.find(([mount]) => mount === '/')?.[2]).toBe(70 * 1024);
  expect(large.at(-1)?.slice(0, 2)).toEqual(['/home', 'xfs']);
  expect(parts('', 10240, '10').map(([mount]) => mount)).toEqual(['biosboot', '/boot', 'pv.auto', '/', 'swap']);
});

test('a disk from 2 TiB has a GPT label, and the kickstart of RHEL 7 a partition for GRUB', async () => {
  const recipe = await rhelRecipe('disk: { size: 3T }', '7.9');
  const { text } = renderTemplate('kickstart/rhel7.ks.hbs', 'ks.cfg', 'text', kickstartView(recipe));
  const { label, parts } = plan(text, '7', 'bios', 3 * 1024 ** 2);
  expect(label).toBe('gpt');
  expect(parts.map(([mount]) => mount)).toEqual(['biosboot', '/']);
});
