import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { rhel } from '../../src/families/rhel/rhel.ts';
import { loadRecipe } from '../../src/families/index.ts';
import { filesOf, host } from '../support/plan-input.ts';
import { asRhel, words } from '../support/rhel.ts';

/** Every shipped recipe of an installation, as rendered. After a change that is meant: `npx vitest run --project unit rhel-golden -u`. */
const releases = readdirSync('recipes').flatMap((file) => /^(rhel\d+)\.yaml$/.exec(file)?.[1] ?? []);
/** The files that UEFI changes; the others are the same under both. */
const uefiFiles: Readonly<Record<string, readonly string[]>> = {
  rhel7: ['ks.cfg', 'kernel.sh'],
  rhel8: ['kernel.sh'],
};
type Firmware = 'bios' | 'uefi';
/** The firmware that a release is installed under. */
const firmwaresOf = (name: string): Firmware[] => (name === 'rhel6' ? ['bios'] : ['bios', 'uefi']);

/**
 * What pykickstart's ksvalidator has accepted, by the SHA-256 of the kickstart: Debian does not package it. After a change of
 * a kickstart, run `ksvalidator -v RELEASE ks.cfg` on the golden files, and write the new lines.
 */
const accepted = readFileSync('test/fixtures/kickstarts-accepted', 'utf8').split('\n');
const folder = mkdtempSync(join(tmpdir(), 'vmkiln-ks-'));
const validator = spawnSync('ksvalidator', ['--help']).status === 0;

async function shipped(name: string, firmware: Firmware) {
  const { recipe } = await loadRecipe(`recipes/${name}.yaml`, {});
  const chosen = asRhel(recipe);
  chosen.machine.firmware = firmware;
  return { recipe: chosen, family: rhel };
}

describe.each(releases)('%s', (name) => {
  test.each(firmwaresOf(name))('with %s firmware is rendered as reviewed', async (firmware) => {
    const { recipe, family } = await shipped(name, firmware);
    const own = firmware === 'uefi' ? uefiFiles[name] : undefined;
    for (const file of family.render(recipe)) {
      const golden = `golden/${name}/${own?.includes(file.name) ? `uefi-${file.name}` : file.name}`;
      await expect(file.text, `${name} ${file.name}`).toMatchFileSnapshot(golden);
    }
  });

  test('starts and cleans the machine as reviewed', async () => {
    const { recipe, family } = await shipped(name, 'bios');
    const media = { iso: { source: '/x.iso', path: '/x.iso', sha256: undefined, size: undefined } };
    const file = filesOf(recipe);
    const work = [family.install(recipe, media, host), family.customize(recipe, file), family.sysprep(recipe, file)];
    const lines = work
      .flatMap((each) => ('args' in each ? words(each.args) : []))
      .concat(family.notes(recipe).map((note) => `note: ${note}`));
    await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot(`golden/${name}/arguments`);
  });

  test('has guest scripts that a shell can read', async () => {
    const { recipe, family } = await shipped(name, 'bios');
    for (const { name: file, text } of family.render(recipe).filter((each) => each.name.endsWith('.sh')))
      expect(execFileSync('sh', ['-n'], { input: text, encoding: 'utf8' }), file).toBe('');
  });

  test.each(firmwaresOf(name))('has a kickstart that its release accepts (%s)', async (firmware) => {
    const { recipe, family } = await shipped(name, firmware);
    const text = family.render(recipe).find((file) => file.name === 'ks.cfg')?.text ?? '';
    const sha256 = createHash('sha256').update(text).digest('hex');
    expect(accepted, 'a kickstart that pykickstart has not seen').toContain(
      `${name.toUpperCase()} ${firmware} ${sha256}`,
    );
    if (!validator) return;
    const kickstart = join(folder, 'ks.cfg');
    writeFileSync(kickstart, text);
    const { status, stdout } = spawnSync('ksvalidator', ['-v', name.toUpperCase(), kickstart], { encoding: 'utf8' });
    expect(status, stdout).toBe(0);
  });
});
