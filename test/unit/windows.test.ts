import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fillHoles } from '../../src/answers/holes.ts';
import { descendants, type Element, parseXml } from '../../src/families/windows/unattend.ts';
import type { Installation } from '../../src/families/family.ts';
import { lintUnattend } from '../../src/families/windows/unattend-lint.ts';
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

test('the answer file that an instance reads has what Cloudbase-Init wants of it, and the language, formats, keyboard and time zone of the recipe', async () => {
  const recipe = await windowsRecipe(
    'language: de-DE\nformats: de-CH\nkeyboard: "0807:00000807"\ntimezone: W. Europe Standard Time\n',
  );
  const { text } = rendered(recipe, 'cloudbase-init-unattend.xml');
  expect(lintUnattend(text).remarks).toEqual([]);
  const read = parseXml(text);
  if (!('root' in read)) throw new Error(read.message);
  const inPass = (pass: string, name: string) =>
    read.root.children
      .filter(({ attributes }) => attributes['pass'] === pass)
      .flatMap((settings) => descendants(settings, name).map((element) => element.text));
  const command =
    /^cmd\.exe \/c ""C:\\Program Files\\.*\\Python\\Scripts\\cloudbase-init\.exe" --config-file ".*\\conf\\cloudbase-init-unattend\.conf" && exit 1 \|\| exit 2"$/;
  expect(inPass('specialize', 'Path')).toEqual([expect.stringMatching(command)]);
  expect(inPass('specialize', 'WillReboot')).toEqual(['OnRequest']);
  expect(inPass('generalize', 'PersistAllDeviceInstalls')).toEqual(['true']);
  const oobe = { HideEULAPage: 'true', SkipMachineOOBE: 'true', SkipUserOOBE: 'true', ProtectYourPC: '1' };
  const region = { UILanguage: 'de-DE', SystemLocale: 'de-DE', UserLocale: 'de-CH', InputLocale: '0807:00000807' };
  for (const [name, value] of Object.entries({ ...oobe, ...region, TimeZone: 'W. Europe Standard Time' }))
    expect(inPass('oobeSystem', name), name).toEqual([value]);
  expect(inPass('specialize', 'TimeZone')).toEqual(['W. Europe Standard Time']);
});

test("an answer file of the user's that sets another time zone than the recipe is told that instances have that", async () => {
  const shipped = readFileSync('templates/windows/autounattend.xml.hbs', 'utf8');
  writeFileSync(join(windowsFolder(), 'zone.hbs'), shipped.replaceAll('{{timezone}}', 'Tokyo Standard Time'));
  const recipe = await windowsRecipe('install: { answerFile: zone.hbs }\n');
  const found = familyOf(recipe).lint?.(recipe, [rendered(recipe, 'Autounattend.xml')]) ?? [];
  expect(found.map(({ level, message }) => `${level} ${message}`)).toEqual([
    'warning instances have `timezone: UTC` of the recipe: this is of the installation alone',
  ]);
  const bare = shipped.replaceAll(' wcm:keyValue="{{key}}"', '');
  writeFileSync(join(windowsFolder(), 'zone.hbs'), bare);
  const once = familyOf(recipe).lint?.(recipe, [rendered(recipe, 'Autounattend.xml')]) ?? [];
  expect(once.map(({ message }) => message)).toEqual(['PathAndCredentials has no attribute wcm:keyValue="1"']);
  // Behind the list of drivers, the rendered file has other lines than the template.
  expect(shipped.split('\n')[(found[0]?.line ?? 0) - 1]?.trim()).toBe('<TimeZone>{{timezone}}</TimeZone>');
});

test.each([
  ['2016', '', 'Windows Server 2016 SERVERSTANDARD', 'WC2BQ-8NRM3-FDDYY-2BFGV-KHKQY', '2k16'],
  [
    '2016',
    'Windows Server 2016 Datacenter',
    'Windows Server 2016 SERVERDATACENTERCORE',
    'CB7KF-BWN84-R7R2Y-793K2-8XDDG',
    '2k16',
  ],
  ['10', '', 'Windows 10 Pro', 'W269N-WFGWX-YVC9B-4J6C9-T83GX', 'w10'],
  ['10', 'Windows 10 Education N', 'Windows 10 Education N', '2WH4N-8QGBV-H22JP-CT43Q-MDWWJ', 'w10'],
  ['10', 'Windows 10 Enterprise LTSC', 'Windows 10 Enterprise LTSC', 'M7XTQ-FN8P6-TTKYV-9D4CC-J462D', 'w10'],
  [
    '11',
    'Windows 11 Enterprise N LTSC 2024',
    'Windows 11 Enterprise N LTSC 2024',
    '92NFX-8DJQP-P6BBQ-THF9C-7CG2H',
    'w11',
  ],
  [
    '11',
    'Windows 11 Pro N for Workstations',
    'Windows 11 Pro N for Workstations',
    '9FNHH-K3HBT-3W4TD-6383H-6XYWF',
    'w11',
  ],
])(
  'Windows %s, %s: its image, the key that Microsoft publishes, its drivers',
  async (release, named, image, key, folder) => {
    const more = `machine: { firmware: uefi }\nproductKey: generic\n${named && `install: { image: ${named} }\n`}`;
    const recipe = await windowsRecipe(more, release);
    const answers = rendered(recipe, 'Autounattend.xml');
    expect(familyOf(recipe).lint?.(recipe, [answers])).toEqual([]);
    expect(answers.text).toContain(`<Value>${image}</Value>`);
    expect(answers.text).toContain(`<Key>${key}</Key>`);
    expect(answers.text).toContain(`<Path>D:\\viostor\\${folder}\\amd64</Path>`);
  },
);

test('batch files have the lines of cmd.exe, and the commands of the recipe run before Sysprep', async () => {
  const recipe = await windowsRecipe('install: { commands: ["tzutil /s UTC"] }\n');
  const { text } = rendered(recipe, 'build.cmd');
  for (const batch of [text, rendered(recipe, 'command-001.cmd').text])
    expect(batch.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
  expect(text.indexOf('file=command-001')).toBeGreaterThan(text.indexOf('CloudbaseInitSetup.msi'));
  expect(text.indexOf('file=command-001')).toBeLessThan(text.indexOf('sysprep.exe'));
  // No FirstLogonCommand, no command for Windows PE may be longer.
  const answers = rendered(recipe, 'Autounattend.xml').text;
  const lines = [...answers.matchAll(/<(?:Path|CommandLine)>([^<]*)/g)].map(([, line = '']) => line);
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(260);
});

test('a script keeps its bytes, and a command beyond ASCII gets the code page of the file', async () => {
  writeFileSync(join(windowsFolder(), 'first.ps1'), '\ufeffWrite-Host {{no template}}\n');
  const recipe = await windowsRecipe('install: { commands: [{ script: first.ps1 }, echo é, echo e] }\n');
  expect(rendered(recipe, 'script-001.ps1').text).toBe('\ufeffWrite-Host {{no template}}\n');
  expect(rendered(recipe, 'script.ps1').text).toContain('Start-Transcript');
  expect(rendered(recipe, 'command-002.cmd').text).toContain('chcp.com 65001');
  expect(rendered(recipe, 'command-003.cmd').text).not.toContain('chcp');
  const [answers] = (familyOf(recipe).install(recipe, media, host) as Installation).before;
  expect(words(answers?.args ?? [])).toEqual(
    expect.arrayContaining(
      familyOf(recipe)
        .render(recipe)
        .map(({ name }) => `${name}=<${name}>`),
    ),
  );
  writeFileSync(join(windowsFolder(), 'first.ps1'), Buffer.from('caf\xe9', 'latin1'));
  expect(() => rendered(recipe, 'script-001.ps1')).toThrow(/first.ps1 cannot be read as UTF-8/);
  await expect(windowsRecipe('install: { commands: [{ script: none.ps1 }] }\n')).rejects.toThrow(
    /there is no file .*none.ps1/,
  );
});

test.each([
  ['bios', '', ['Windows']],
  ['bios', ', recovery: partition', ['Recovery', 'Windows']],
  ['uefi', '', ['EFI', 'MSR', 'Windows']],
  ['uefi', ', recovery: partition', ['Recovery', 'EFI', 'MSR', 'Windows']],
])('with %s%s C: is the last partition, where Windows goes', async (firmware, more, expected) => {
  const recipe = await windowsRecipe(`machine: { firmware: ${firmware} }\ninstall: { timeout: 4h${more} }\n`);
  const parsed = parseXml(rendered(recipe, 'Autounattend.xml').text);
  if (!('root' in parsed)) throw new Error(parsed.message);
  const { root } = parsed;
  const value = (element: Element | undefined, name: string) =>
    (element ? descendants(element, name)[0]?.text : '') ?? '';
  const made = descendants(root, 'CreatePartition');
  expect(made.map((each) => value(each, 'Order'))).toEqual(expected.map((_, index) => String(index + 1)));
  expect(made.map((each) => value(each, 'Extend'))).toEqual(
    expected.map((_, at) => (at === expected.length - 1 ? 'true' : '')),
  );
  const last = String(expected.length);
  const windows = descendants(root, 'ModifyPartition').find((each) => value(each, 'Letter') === 'C');
  expect(value(windows, 'PartitionID')).toBe(last);
  expect(value(descendants(root, 'InstallTo')[0], 'PartitionID')).toBe(last);
  const active = descendants(root, 'ModifyPartition').filter((each) => value(each, 'Active') === 'true');
  expect(active.map((each) => value(each, 'PartitionID'))).toEqual(firmware === 'bios' ? ['1'] : []);
  const types = descendants(root, 'TypeID').map(({ text }) => text);
  const recovery = firmware === 'bios' ? '0x27' : 'de94bba4-06d1-4d40-a16a-bfd50179d6ac';
  expect(types).toEqual(more === '' ? [] : [recovery]);
  expect(rendered(recipe, 'recovery.ps1').text.includes('Remove-Partition')).toBe(more === '');
});

test.each([
  ['2022', '', 'Administrator'],
  ['2022', 'language: fr-FR\n', 'Administrateur'],
  ['2022', 'language: ru-RU\n', 'Admin'],
  ['2022', 'cloudbaseInit: { user: cloud }\n', 'cloud'],
  ['11', 'machine: { firmware: uefi }\n', 'Admin'],
])('the user of Windows %s%s is one that can log in: %s', async (release, more, user) => {
  const recipe = await windowsRecipe(more, release);
  expect(rendered(recipe, 'cloudbase-init.conf').text).toContain(`username=${user}\r\n`);
  expect(familyOf(recipe).properties(recipe)).toMatchObject({ os_admin_user: user });
});

test('who logs on to build is the built-in Administrator, by its English name in any language, and formats may be of another', async () => {
  const recipe = await windowsRecipe('language: fr-FR\nformats: de-CH\n');
  const { text } = rendered(recipe, 'Autounattend.xml');
  expect(text).toContain('<Username>Administrator</Username>');
  const localized = async (release: string) => {
    const own = await windowsRecipe('language: fr-FR\n', release);
    const answers = rendered(own, 'Autounattend.xml');
    const renamed = { ...answers, text: answers.text.replace('<Username>Administrator<', '<Username>Administrateur<') };
    return familyOf(own).lint?.(own, [renamed]) ?? [];
  };
  expect(await localized('2022')).toEqual([]);
  expect((await localized('10'))[0]?.message).toContain('only the English Administrator enables it');
  expect(text.match(/<(?:UserLocale|UILanguage|SystemLocale)>[^<]*/g)).toEqual([
    '<UILanguage>fr-FR',
    '<SystemLocale>fr-FR',
    '<UILanguage>fr-FR',
    '<UserLocale>de-CH',
    '<SystemLocale>fr-FR',
    '<UILanguage>fr-FR',
    '<UserLocale>de-CH',
  ]);
  const uefi = 'machine: { firmware: uefi }\n';
  await expect(windowsRecipe(`${uefi}cloudbaseInit: { user: administrator }\n`, '11')).rejects.toThrow(
    /cloudbaseInit.user: expected another user than Administrator: Windows 11 disables it/,
  );
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

test.each([
  [
    'timezone: W. Europe Standard Tme\n',
    /no time zone "W. Europe Standard Tme", did you mean "W. Europe Standard Time"/,
  ],
  ['timezone: CET\n', /timezone: Windows has no time zone "CET"/],
  ['keyboard: german\n', /keyboard: expected a keyboard layout/],
  ['language: english\n', /language: expected a language/],
  ['install: { commands: [files/a.ps1 -x] }\n', /expected \{ script: FILE \} for a script of PowerShell/],
  ['install: { commands: ["for %%i in (a) do echo %%i"] }\n', /expected `for %i`, with one percent sign/],
  [
    'productKey: AAAAA-BBBBB-CCCCC-DDDDD-EEEEE\n',
    /productKey: expected generic, or a reference to a secret(?!.*AAAAA)/,
  ],
  ['machine: { diskBus: virtio-scsi }\n', /write diskBus: scsi/],
])('refused before anything starts: %s', async (more, expected) => {
  await expect(windowsRecipe(more)).rejects.toThrow(expected);
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

test('customize leaves the answer file of the first boot, removes the logs of the build and numbers first-boot scripts', async () => {
  writeFileSync(join(windowsFolder(), 'first.ps1'), 'exit 0\n');
  const recipe = await windowsRecipe('customize: [{ firstboot: { script: first.ps1 } }]\n');
  const line = words(argsOf(familyOf(recipe).customize(recipe, filesOf(recipe))));
  expect(line).not.toContain('/Windows/Panther/unattend.xml');
  expect(line).toEqual(expect.arrayContaining(['/Windows/Panther/Unattend', '/Windows/vmkiln']));
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
