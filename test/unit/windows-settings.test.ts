import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { familyOf } from '../../src/families/index.ts';
import { rendered } from '../support/rhel.ts';
import { windowsFolder, windowsRecipe } from '../support/windows.ts';

/** The batch files of a recipe in the order in which build.cmd runs them, each with its command. */
async function steps(more: string, release = '2022'): Promise<[string, string][]> {
  const recipe = await windowsRecipe(more, release);
  const names = [...rendered(recipe, 'build.cmd').text.matchAll(/^set file=(.*)\r$/gm)].map(
    ([, name = '']) => `${name}.cmd`,
  );
  return names.map((name) => [name, rendered(recipe, name).text.trimEnd().split('\r\n').at(-1) ?? '']);
}

test('Remote Desktop, ping, new disks and power are set before the commands of the recipe, and can be left alone', async () => {
  const commands = 'install: { commands: [echo own] }\n';
  const all = await steps(commands);
  expect(all.map(([name]) => name.replace(/(-\d)?\.cmd$/, ''))).toEqual([
    ...['setting-rdp', 'setting-rdp', 'setting-rdp', 'setting-ping', 'setting-ping', 'setting-san'],
    ...['setting-power', 'setting-power', 'setting-power', 'setting-power', 'command-001', 'apps'],
  ]);
  const [deny, nla, firewall, echo4, echo6, san, power] = all.map(([, line]) => line);
  expect(deny).toMatch(/\\Terminal Server" \/v fDenyTSConnections \/t REG_DWORD \/d 0 /);
  expect(nla).toMatch(/\\RDP-Tcp" \/v UserAuthentication \/t REG_DWORD \/d 1 /);
  expect(firewall).toContain('set rule group="@FirewallAPI.dll,-28752" new enable=yes');
  expect([echo4, echo6].map((line) => /protocol=.*/.exec(line ?? '')?.[0])).toEqual([
    'protocol=icmpv4:8,any',
    'protocol=icmpv6:128,any',
  ]);
  expect(san).toMatch(/\\partmgr\\Parameters" \/v SanPolicy \/t REG_DWORD \/d 1 /);
  expect(power).toContain('/setactive SCHEME_MIN');
  const none = 'settings: { rdp: false, ping: false, sanPolicy: OfflineShared, powerPlan: balanced }\n';
  expect(await steps(commands + none)).toEqual([
    ['setting-san-1.cmd', expect.stringContaining(' /d 2 ')],
    ['command-001.cmd', 'echo own'],
    ['apps.cmd', expect.stringContaining('"%answers%script.ps1" "%answers%apps.ps1"')],
  ]);
});

test('the apps at which Sysprep would stop are removed last, and the Store of a client waits until then', async () => {
  const last = (await steps('machine: { firmware: uefi }\ninstall: { commands: [echo own] }\n', '11')).slice(-4);
  expect(last.map(([name]) => name)).toEqual(['command-001.cmd', 'apps.cmd', 'store-1.cmd', 'store-2.cmd']);
  expect(last[2]?.[1]).toMatch(/^reg.exe delete .*AutoDownload \/f & exit \/b 0$/);
  const client = await windowsRecipe('', '10');
  expect(rendered(client, 'Autounattend.xml').text).toContain(String.raw`\WindowsStore /v AutoDownload`);
  expect(rendered(await windowsRecipe(), 'Autounattend.xml').text).not.toContain('WindowsStore');
});

test('WinRM is a plugin of Cloudbase-Init, which each instance runs', async () => {
  const plugins = async (more: string) => rendered(await windowsRecipe(more), 'cloudbase-init.conf').text;
  expect(await plugins('settings: { winrm: true }\n')).toMatch(
    /SetUserPasswordPlugin,cloudbaseinit\.plugins\.windows\.winrmlistener\.ConfigWinRMListenerPlugin,/,
  );
  expect(await plugins('')).not.toContain('winrm');
});

const shipped = readFileSync('templates/windows/cloudbase-init.conf.hbs', 'utf8');

/** What is said of a configuration of the user's, and the configuration as the service reads it. */
async function own(template: string, more = ''): Promise<{ found: string[]; text: string }> {
  writeFileSync(join(windowsFolder(), 'own.conf.hbs'), template);
  const recipe = await windowsRecipe(`cloudbaseInit: { config: own.conf.hbs }\n${more}`);
  const files = familyOf(recipe).render(recipe);
  const found = familyOf(recipe).lint?.(recipe, files) ?? [];
  return {
    found: found.map(({ line, message }) => `${line}: ${message}`),
    text: files.find(({ name }) => name === 'cloudbase-init.conf')?.text ?? '',
  };
}

test('a configuration of the user’s takes the place of the shipped one, in both files', async () => {
  const template = `${shipped}kms_host={{variables.kms}}\n[openstack]\nadd_metadata_private_ip_route=false\n`;
  const { found, text } = await own(template, 'install: { variables: { kms: kms.example } }\n');
  expect(found).toEqual([]);
  expect(text).toContain('kms_host=kms.example\r\n[openstack]\r\n');
  expect(
    (await own(shipped.replace('userdata.UserDataPlugin', 'userdata.UserDataPlugin, mine.plugins.Tag'))).found,
  ).toEqual([]);
  await expect(windowsRecipe('cloudbaseInit: { config: none.conf }\n')).rejects.toThrow(/there is no file .*none.conf/);
});

test.each([
  [
    'userdata.UserDataPlugin',
    'userdata.UserdataPlugin',
    /26: as cloudbase-init.conf: plugins: .*UserdataPlugin", did you mean "cloudbase.*UserDataPlugin"/,
  ],
  ['plugins=', 'plugins=a,', /plugins: Cloudbase-Init has no class "a"/],
  ['httpservice.HttpService', 'openstack.HttpService', /metadata_services: Cloudbase-Init has no class/],
  ['username={{user}}', 'username=someone', /username: expected {{user}}, which is Administrator by the recipe/],
  ['[DEFAULT]', '', /2: as cloudbase-init.conf: username: expected a section like \[DEFAULT\] before it/],
  ['verbose=true', 'verbose', /expected name=value, got "verbose"/],
  ['metadata_services', '[other]\nmetadata_services', /expected in the section \[DEFAULT\], not in \[other\]/],
])('a configuration that Cloudbase-Init would not read as it is meant: %s for %s', async (from, to, expected) => {
  expect((await own(shipped.replaceAll(from, to))).found.join('\n')).toMatch(expected);
});

test('with WinRM wanted, a configuration without its plugin is refused', async () => {
  const without = shipped.replace(/{{#if winrm}}.*?{{\/if}}/, '');
  expect((await own(without, 'settings: { winrm: true }\n')).found.join('\n')).toMatch(
    /^1: as cloudbase-init.conf: plugins: expected .*ConfigWinRMListenerPlugin with `settings.winrm: true`$/,
  );
});

test.each([
  ['install: { image: Windows Server 2019 SERVERSTANDARD }\n', /install.image: expected an image of Windows 2022/],
  ["install: { image: '2' }\n", /install.image: expected the name of an image.*, and not its number, got "2"/],
  ['productKey: generic\ninstall: { image: Windows Server 2022 Standard Evaluation }\n', /evaluation media take none/],
  ["install: { commands: ['shutdown.exe -r -t 0'] }\n", /install.commands.0: expected no command that restarts/],
  ["install: { commands: ['echo x && shutdown /r'] }\n", /install.commands.0: expected no command that restarts/],
  ["install: { commands: ['cmd /c shutdown /s /t 0'] }\n", /install.commands.0: expected no command that restarts/],
  ['install: { commands: [\'powershell -Command "x; Restart-Computer"\'] }\n', /expected no command that restarts/],
  ["install: { commands: [' ; '] }\n", /expected a command, got nothing that runs/],
  [`install: { commands: ['${'x'.repeat(8001)}'] }\n`, /expected at most 8000 characters/],
])('an image or a command that nothing good would come of is refused: %s', async (more, expected) => {
  await expect(windowsRecipe(more)).rejects.toThrow(expected);
});

test('an image of a name of its own, and a command that only speaks of a restart, are taken', async () => {
  const recipe = await windowsRecipe(
    "install: { image: Golden 2019, commands: ['echo shutdown /r', 'shutdown /a', 'cmd /c echo shutdown /r'] }\n",
  );
  expect(recipe.install.commands).toHaveLength(3);
});
