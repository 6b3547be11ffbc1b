import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fillHoles } from '../../src/answers/holes.ts';
import { descendants, parseXml } from '../../src/families/windows/unattend.ts';
import { windowsSetup } from '../../src/families/windows/setup-log.ts';
import { familyOf } from '../../src/families/index.ts';
import type { Media } from '../../src/model.ts';
import type { WindowsRecipe } from '../../src/families/windows/recipe.ts';
import { makePlan } from '../../src/pipeline/plan.ts';
import { compileLog, seeLine, startWatch, verdict } from '../../src/stages/watch.ts';
import { filesOf, host, planInput } from '../support/plan-input.ts';
import { argsOf, rendered, words } from '../support/rhel.ts';
import { windowsFolder, windowsRecipe } from '../support/windows.ts';

const file = (path: string) => ({ source: path, path, sha256: 'a'.repeat(64), size: 1 });
const media: Media = { iso: file('/w.iso'), virtioIso: file('/v.iso'), cloudbaseInitMsi: file('/c.msi') };

const forms = [
  ['2019', 'bios', ''],
  ['2022', 'bios', ''],
  ['2025', 'uefi', 'machine: { firmware: uefi }\nproductKey: generic\n'],
  ['11', 'uefi', 'machine: { firmware: uefi }\nproductKey: { env: KEY }\norganization: Example & Sons\n'],
] as const;

test.each(forms)(
  'the answer file of Windows %s with %s is the one that is held, and has no fault',
  async (release, firmware, more) => {
    const recipe = await windowsRecipe(more, release);
    const answers = rendered(recipe, 'Autounattend.xml');
    await expect(answers.text).toMatchFileSnapshot(`../fixtures/windows-${release}-${firmware}.xml`);
    expect(familyOf(recipe).lint?.(recipe, [answers])).toEqual([]);
  },
);

test('build.cmd has the lines of cmd.exe, and the commands of the recipe before Sysprep', async () => {
  const recipe = await windowsRecipe('install: { commands: ["tzutil /s UTC"] }\n');
  const { text } = rendered(recipe, 'build.cmd');
  expect(text.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
  expect(text.indexOf('cmd.exe /d /s /c "tzutil /s UTC"')).toBeGreaterThan(text.indexOf('CloudbaseInitSetup.msi'));
  expect(text.indexOf('tzutil')).toBeLessThan(text.indexOf('sysprep.exe'));
});

test('Cloudbase-Init reads metadata of OpenStack, and the user is the one of the recipe', async () => {
  const recipe = await windowsRecipe('cloudbaseInit: { user: cloud }\n');
  const { text } = rendered(recipe, 'cloudbase-init.conf');
  expect(text).toContain('username=cloud\r\n');
  expect(text).toMatch(/metadata_services=.*ConfigDriveService,.*HttpService/);
  expect(rendered(recipe, 'cloudbase-init-unattend.conf').text).toContain('allow_reboot=false');
});

/** Values of every key that gets into the answer file, as far as the schema lets them be. */
const hostile = fc.record({
  organization: fc.string({ unit: 'binary', minLength: 1 }),
  image: fc.string({ unit: 'binary', minLength: 1 }),
  timezone: fc.stringMatching(/^[A-Za-z0-9 .+()-]{1,20}$/),
  secret: fc.string({ unit: 'binary', minLength: 1 }),
});
// oxlint-disable-next-line no-control-regex
const allowed = (text: string) => !/[\u0000-\u001f\u007f-\u009f\u2028\u2029⟨\ufffe\uffff]|\p{Cs}/u.test(text);

test('no value of a recipe, nor a secret, leaves its element', async () => {
  const recipe = await windowsRecipe('productKey: { env: KEY }\n');
  const count = (each: Parameters<typeof descendants>[0]): number =>
    1 + each.children.reduce((sum, child) => sum + count(child), 0);
  const unchanged = parseXml(rendered(recipe, 'Autounattend.xml').text);
  const plain = 'root' in unchanged ? count(unchanged.root) : 0;
  fc.assert(
    fc.property(hostile, ({ organization, image, timezone, secret }) => {
      fc.pre([organization, image, secret].every((text) => allowed(text) && text.trim() === text));
      const changed: WindowsRecipe = { ...recipe, organization, timezone, install: { ...recipe.install, image } };
      const text = fillHoles(rendered(changed, 'Autounattend.xml'), () => secret);
      const parsed = parseXml(text);
      if (!('root' in parsed)) throw new Error(parsed.message);
      const values = (name: string) => descendants(parsed.root, name).map((element) => element.text);
      expect(count(parsed.root)).toBe(plain);
      expect(values('Organization')).toEqual([organization]);
      expect(values('MetaData').length).toBe(1);
      expect(values('Value')).toEqual([image, secret, secret]);
      expect(values('Key')).toEqual(['/IMAGE/NAME', secret]);
    }),
  );
});

test('the install stage makes the answer CD, boots the disk before the ISO, and waits for the guest to power off', async () => {
  const recipe = await windowsRecipe();
  const plan = makePlan(planInput(recipe, { media }));
  const [answers, install] = plan.stages.find(({ stage }) => stage === 'install')?.commands ?? [];
  expect(words(answers?.args ?? [])).toContain('Autounattend.xml=<Autounattend.xml>');
  const line = words(install?.args ?? []);
  expect(line).toContain('path="<install.qcow2>",format=qcow2,bus=virtio,cache=unsafe,discard=unmap,boot.order=1');
  const drives = line.filter((word) => word.includes('device=cdrom'));
  expect(drives).toEqual([
    'path="</w.iso>"<,driver.type=raw>,device=cdrom,bus=sata,readonly=on,boot.order=2',
    'path="</v.iso>"<,driver.type=raw>,device=cdrom,bus=sata,readonly=on',
    'path="<answers.iso>"<,driver.type=raw>,device=cdrom,bus=sata,readonly=on',
  ]);
  expect(line).toContain('--import');
  expect(line).not.toContain('--noreboot');
  const skipped = plan.stages.find(({ stage }) => stage === 'sysprep');
  expect(skipped).toMatchObject({ forecast: 'skip', commands: [], because: expect.stringContaining('Sysprep') });
});

test('Windows 11 has Secure Boot firmware and a TPM, and is refused without', async () => {
  const recipe = await windowsRecipe('machine: { firmware: uefi }\n', '11');
  const line = words(argsOf(familyOf(recipe).install(recipe, media, host)));
  expect(line[line.indexOf('--boot') + 1]).toContain(
    'firmware.feature0.name=secure-boot,firmware.feature0.enabled=yes',
  );
  expect(line[line.indexOf('--tpm') + 1]).toContain('backend.type=emulator');
  await expect(windowsRecipe('', '11')).rejects.toThrow(/machine.firmware: expected uefi/);
  await expect(windowsRecipe('machine: { firmware: uefi, tpm: false }\n', '11')).rejects.toThrow(/TPM/);
});

test('Hyper-V enlightenments come with KVM, and change no fingerprint', async () => {
  const recipe = await windowsRecipe();
  const prints = (['kvm', 'tcg'] as const).map((accelerator) => {
    const plan = makePlan(planInput(recipe, { media, host: { ...host, accelerator } }));
    return plan.stages.map(({ fingerprint }) => fingerprint);
  });
  expect(prints[0]).toEqual(prints[1]);
  const kvm = JSON.stringify(familyOf(recipe).install(recipe, media, { ...host, accelerator: 'kvm' }));
  expect(kvm).toContain('hypervclock_present=yes');
  expect(kvm).toContain('hyperv.relaxed.state=on');
});

test('customize removes the copies of the answer file and numbers first-boot scripts', async () => {
  writeFileSync(join(windowsFolder(), 'first.ps1'), 'exit 0\n');
  const recipe = await windowsRecipe('customize: [{ firstboot: { script: first.ps1 } }]\n');
  const line = words(argsOf(familyOf(recipe).customize(recipe, filesOf(recipe))));
  expect(line).toContain('/Windows/Panther/unattend.xml');
  expect(
    line.some((word) => word.endsWith(':/Program Files/Cloudbase Solutions/Cloudbase-Init/LocalScripts/001.ps1')),
  ).toBe(true);
});

test('a Sysprep that takes too long hangs, however busy the guest is; a failed step ends the installation', async () => {
  const installer = compileLog(windowsSetup);
  const limits = { startedAt: 0, stallTimeout: 900, timeout: 36_000 };
  const begun = seeLine(startWatch(0), 'vmkiln: generalizing with Sysprep', installer, 1000);
  const busy = (minutes: number) => verdict({ ...begun, movedAt: minutes * 60_000 }, limits, minutes * 60_000);
  expect(busy(40)).toBe('go on');
  expect(busy(50)).toBe('hung');
  const failed = seeLine(begun, 'vmkiln: FAILED installing Cloudbase-Init: status 1603', installer, 2000);
  expect(verdict(failed, limits, 5000)).toBe('fatal');
});
