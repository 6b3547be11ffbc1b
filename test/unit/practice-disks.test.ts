import { execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { renderTemplate } from '../../src/answers/templates.ts';
import { rhelRelease } from '../../src/families/rhel/releases.ts';
import { kickstartView } from '../../src/families/rhel/views.ts';
import { releaseFolder } from '../../src/rehearsal/practice-dvd.ts';
import { rhelRecipe } from '../support/rhel.ts';

const folder = mkdtempSync(join(tmpdir(), 'practice-disks-'));

const program = `
import json, sys
import configure, disks, kickstart
path, release, firmware = sys.argv[1:]
facts = dict(configure.read_release(release + "/release.env"), firmware=firmware)
ks = kickstart.read(path, kickstart.load_commands(release + "/commands"))
found = {"vda": {"size": 10240, "blank": True, "partitions": 0}}
try:
    plan = disks.plan(ks, found, facts, lambda what: None)
    for number, one in enumerate(plan):
        one["uuid"] = f"U{number}"
    print(json.dumps({"label": disks.disklabel(ks, facts, found), "parts": [[one["mount"], one["type"], one["size"]] for one in plan],
                      "fstab": disks.fstab(plan, facts, "now")}))
except disks.StorageError as error:
    print(json.dumps({"error": str(error)}))
`;

type Plan = { error?: string; label: string; parts: [string, string, number][]; fstab: string };

/** What the practice installer would make of a kickstart on an empty disk of 10 GiB. */
function plan(kickstart: string, release: string, firmware: 'bios' | 'uefi'): Plan {
  const file = join(folder, 'x.ks');
  writeFileSync(file, kickstart);
  const installer = join(releaseFolder(release), '../installer');
  const args = ['-B', '-W', 'ignore', '-c', program, file, releaseFolder(release), firmware];
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
    const check = major === '7' ? 0 : 2;
    expect(fstab).toMatch(new RegExp(`^UUID=U0 /boot/efi +vfat +umask=0077,shortname=winnt 0 ${check}$`, 'm'));
  });
});

test('what the firmware needs and the kickstart does not give ends the installation in its words', () => {
  const parts = 'zerombr\nclearpart --all --initlabel --disklabel=gpt\npart / --size=1000 --grow\n';
  expect(plan(parts, '9', 'uefi').error).toMatch(/^For a UEFI installation, you must include an EFI System Partition/);
  expect(plan(parts, '9', 'bios').error).toMatch(/^Your BIOS-based system needs a special partition/);
  expect(plan(`${parts}reqpart\n`, '9', 'bios').parts[0]).toEqual(['biosboot', 'biosboot', 1]);
});
