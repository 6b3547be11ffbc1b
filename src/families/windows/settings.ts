import { z } from 'zod';
import type { WindowsRecipe } from './recipe.ts';

/** The key `settings`: what most images of servers in a cloud need, and one command does not do. */
export const settingKeys = z
  .strictObject({
    rdp: z
      .boolean()
      .prefault(true)
      .describe('Remote Desktop, with Network Level Authentication and its rules in the firewall.'),
    winrm: z
      .boolean()
      .prefault(false)
      .describe(
        'Whether Cloudbase-Init makes each instance a WinRM listener for HTTPS (port 5986, a certificate of its own, basic authentication), with its rule in the firewall.',
      ),
    ping: z.boolean().prefault(true).describe('Whether the firewall lets echo requests in, of IPv4 and IPv6.'),
    sanPolicy: z
      .enum(['OnlineAll', 'OfflineShared', 'OfflineAll'])
      .prefault('OnlineAll')
      .describe(
        'What becomes of a new disk. The drivers of virtio report buses that are shared, SCSI and SAS: with `OfflineShared` the volumes of an instance are offline.',
      ),
    powerPlan: z
      .enum(['high', 'balanced'])
      .prefault('high')
      .describe('`high` is High performance without sleep; `balanced` is what Windows makes of itself.'),
  })
  .prefault({})
  .describe('Settings of Windows in the image.');

/** A setting as build.cmd makes it, by commands as at a prompt, each of which counts. */
type Setting = { name: string; doing: string; commands: readonly string[] };

/**
 * "SanPolicy" in the "Unattended Windows Setup Reference", where SCSI and SAS are shared buses: viostor reports the first and
 * vioscsi the second (`BusType` in their `.inx` files). The numbers of the registry are those of Cloudbase-Init's
 * `storage/base.py` too.
 */
const sanPolicies = { OnlineAll: 1, OfflineShared: 2, OfflineAll: 3 };

const control = String.raw`HKLM\SYSTEM\CurrentControlSet\Control`;

const dword = (key: string, name: string, value: number) =>
  `reg.exe add "${key}" /v ${name} /t REG_DWORD /d ${value} /f`;

const echo = (version: 4 | 6, type: 8 | 128) =>
  `netsh.exe advfirewall firewall add rule name="Echo Request (ICMPv${version})" dir=in action=allow protocol=icmpv${version}:${type},any`;

/**
 * The settings of a recipe: what "Prepare a Windows VHD or VHDX to upload to Azure" of Microsoft's documentation sets before
 * Sysprep by PowerShell and diskpart, and besides it echo requests of IPv6 and no standby or hibernation. A group of the firewall
 * is named by its resource (`@FirewallAPI.dll,-28752` is Remote Desktop), and echo requests get rules of their own, as in
 * Logon.ps1 of windows-imaging-tools, for the names of Windows' own rules are localized. Hibernation is switched off in the
 * registry: powercfg may refuse it where the firmware knows none.
 */
export function settingsOf({ settings }: WindowsRecipe): readonly Setting[] {
  const { rdp, ping, sanPolicy, powerPlan } = settings;
  const terminalServer = String.raw`${control}\Terminal Server`;
  const disks = String.raw`HKLM\SYSTEM\CurrentControlSet\Services\partmgr\Parameters`;
  const wanted: (Setting | false)[] = [
    rdp && {
      name: 'rdp',
      doing: 'enabling Remote Desktop',
      commands: [
        dword(terminalServer, 'fDenyTSConnections', 0),
        dword(String.raw`${terminalServer}\WinStations\RDP-Tcp`, 'UserAuthentication', 1),
        'netsh.exe advfirewall firewall set rule group="@FirewallAPI.dll,-28752" new enable=yes',
      ],
    },
    ping && { name: 'ping', doing: 'letting echo requests in', commands: [echo(4, 8), echo(6, 128)] },
    {
      name: 'san',
      doing: `making the SAN policy ${sanPolicy}`,
      commands: [dword(disks, 'SanPolicy', sanPolicies[sanPolicy])],
    },
    powerPlan === 'high' && {
      name: 'power',
      doing: 'choosing the power plan High performance',
      commands: [
        'powercfg.exe /setactive SCHEME_MIN',
        'powercfg.exe /change standby-timeout-ac 0',
        'powercfg.exe /change monitor-timeout-ac 0',
        dword(String.raw`${control}\Power`, 'HibernateEnabled', 0),
      ],
    },
  ];
  return wanted.filter((setting) => setting !== false);
}
