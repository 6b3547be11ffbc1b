import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { familyOf } from '../../src/families/index.ts';
import { windowsSetup } from '../../src/families/windows/setup-log.ts';
import { makePlan } from '../../src/pipeline/plan.ts';
import { compileLog, seeLine, startWatch, verdict } from '../../src/stages/watch.ts';
import { planInput } from '../support/plan-input.ts';
import { rendered } from '../support/rhel.ts';
import { windowsFolder, windowsRecipe } from '../support/windows.ts';

const file = (path: string) => ({ source: path, path, sha256: 'a'.repeat(64), size: 1 });
const media = { iso: file('/w.iso'), virtioIso: file('/v.iso'), cloudbaseInitMsi: file('/c.msi') };

/** The sections of build.cmd in their order, of which next.txt names one; without those of settings and apps. */
const sections = (text: string) => [...text.matchAll(/^:(?!setting-|apps)(\S+)\r$/gm)].map(([, name = '']) => name);

test('without updates nothing of Windows Update is on the answer CD', async () => {
  const recipe = await windowsRecipe();
  expect(
    familyOf(recipe)
      .render(recipe)
      .map(({ name }) => name),
  ).not.toContain('updates.ps1');
  const { text } = rendered(recipe, 'build.cmd');
  expect(sections(text).slice(0, 3)).toEqual(['drivers', 'cloudbase', 'image']);
  expect(text).not.toMatch(/dism|updates\.ps1/);
});

test.each([
  ['2022', '', />>"%SystemRoot%.Setup.Scripts.SetupComplete.cmd" echo sc.exe config cloudbase-init start= auto/],
  // A client with the product key of an OEM does not run that file.
  ['11', 'machine: { firmware: uefi }\n', /^sc.exe config cloudbase-init start= auto/m],
])(
  'what starts Cloudbase-Init at the first boot of Windows %s is set when no restart comes any more',
  async (release, more, start) => {
    const { text } = rendered(await windowsRecipe(more, release), 'build.cmd');
    expect(text).toMatch(start);
    expect(text.includes('SetupComplete.cmd"')).toBe(release === '2022');
    expect(text.search(start)).toBeGreaterThan(text.indexOf('\n:image'));
  },
);

test('updates come before Cloudbase-Init, commands before and after them, and a recipe says what is left out', async () => {
  writeFileSync(join(windowsFolder(), 'trust.ps1'), 'exit 0\n');
  const updates = `{ select: all, server: 'https://wsus.example.com:8531', except: [KB5034439, KB5012170], before: [{ script: trust.ps1 }] }`;
  const recipe = await windowsRecipe(`install: { updates: ${updates}, commands: [echo 1, echo 2] }\n`);
  const { text } = rendered(recipe, 'build.cmd');
  expect(sections(text).slice(0, 8)).toEqual([
    ...['drivers', 'command-001', 'updates', 'store', 'cloudbase', 'command-002', 'command-003', 'image'],
  ]);
  expect(text.match(/^set next=(?!setting-|apps)\S+/gm)).toEqual([
    ...['set next=drivers', 'set next=updates', 'set next=command-002', 'set next=command-003', 'set next=image'],
  ]);
  expect(rendered(recipe, 'script-001.ps1').text).toBe('exit 0\n');
  expect(text).toContain('/v %%v /t REG_SZ /d https://wsus.example.com:8531 /f');
  const script = rendered(recipe, 'updates.ps1').text;
  expect(script).toContain(`$except = @('KB5034439', 'KB5012170')`);
  expect(script).toContain('ServerSelection = 1');
  expect(script).toMatch(/return -not .*definitions.*upgrades/);
  const plain = rendered(await windowsRecipe('install: { updates: security }\n'), 'updates.ps1').text;
  expect(plain).toContain('$except = @()');
  expect(plain).not.toContain('ServerSelection');
  expect(plain).toMatch(/return \(\$classes -contains \$security\)/);
});

test.each([
  ['sometimes', /install.updates: expected none, security or all, got "sometimes"/],
  ['{ select: all, except: [5034439] }', /install.updates.except.0: expected a KB number like KB5034439, got 5034439/],
  [`{ select: all, server: 'https://u:p@wsus' }`, /install.updates.server: (?!.*u:p).*without a user and password/],
  [`{ select: all, server: 'https://wsus/"&calc' }`, /install.updates.server: expected a URL of letters/],
  ['{ select: all, before: [{ script: none.ps1 }] }', /install.updates.before.0.script: there is no file .*none.ps1/],
])('refused before anything starts: updates: %s', async (updates, expected) => {
  await expect(windowsRecipe(`install: { updates: ${updates} }\n`)).rejects.toThrow(expected);
});

test('the layer of an installation with updates has their age', async () => {
  const age = async (more: string) => {
    const { stages } = makePlan(planInput(await windowsRecipe(more), { media }));
    return stages.find(({ stage }) => stage === 'install')?.maxAge;
  };
  expect(await age('')).toBeUndefined();
  expect(await age('install: { updates: security }\n')).toBe(7 * 86_400);
  expect(await age('install: { updates: { select: all, maxAge: 20h } }\n')).toBe(72_000);
});

test('an answer file that logs on another user than Administrator is told, for build.cmd goes on without elevation', async () => {
  const shipped = rendered(await windowsRecipe(), 'Autounattend.xml').text;
  const text = shipped
    .replaceAll(/⟨secret [^⟩]*⟩/g, '{{secret administratorPassword}}')
    .replace('<Username>Administrator<', '<Username>builder<')
    .replace(
      '<UserAccounts>',
      '<UserAccounts><LocalAccounts><LocalAccount wcm:action="add"><Name>builder</Name><Group>Administrators</Group></LocalAccount></LocalAccounts>',
    );
  writeFileSync(join(windowsFolder(), 'own.hbs'), text);
  const messages = async (more: string) => {
    const recipe = await windowsRecipe(`install: { answerFile: own.hbs${more} }\n`);
    const found = familyOf(recipe).lint?.(recipe, [rendered(recipe, 'Autounattend.xml')]) ?? [];
    return found.map(({ message }) => message);
  };
  expect(await messages('')).toEqual([]);
  expect(await messages(', updates: all')).toEqual([expect.stringContaining('expected Administrator with updates')]);
});

test('every line of an update shows, and has its own time', () => {
  const log = compileLog(windowsSetup);
  const limits = { startedAt: 0, stallTimeout: 36_000, timeout: 360_000 };
  const hour = 3_600_000;
  const lines = ['updating Windows', 'updates: downloading KB5034439, 1 of 2, 340 MB', 'updates: installing KB5034439'];
  const phases: string[] = [];
  let watch = startWatch(0);
  for (const [index, line] of lines.entries()) {
    watch = seeLine(watch, `vmkiln: ${line}\r`, log, index * 1.5 * hour);
    phases.push(watch.phase);
    const busy = { ...watch, movedAt: (index + 1) * 1.5 * hour };
    expect(verdict(busy, limits, (index + 1) * 1.5 * hour)).toBe('go on');
    expect(verdict({ ...busy, movedAt: (index * 1.5 + 2) * hour }, limits, (index * 1.5 + 2) * hour)).toBe('hung');
  }
  expect(phases).toEqual([
    ...[
      'updating Windows',
      'updating Windows: downloading KB5034439, 1 of 2, 340 MB',
      'updating Windows: installing KB5034439',
    ],
  ]);
  watch = seeLine(watch, 'vmkiln: restarting Windows, restart 2', log, 5 * hour);
  expect(watch.phase).toBe('restarting Windows, restart 2');
  expect(seeLine(watch, 'vmkiln: running command 1 of the recipe', log, 6 * hour).limit).toBeUndefined();
});
