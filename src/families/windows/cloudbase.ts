import { templateLines } from '../../answers/lines.ts';
import type { View } from '../../answers/templates.ts';
import type { RenderedFile } from '../../model.ts';
import { show } from '../../recipe/values.ts';
import { didYouMean } from '../../text.ts';
import type { Finding } from '../family.ts';
import { loginUser } from './accounts.ts';
import type { WindowsRecipe } from './recipe.ts';

/** What cloudbase-init.conf.hbs, or a template of the user's, may use; `specialize` in the configuration of the specialize pass. */
export function cloudbaseView(recipe: WindowsRecipe, specialize: boolean): View {
  return {
    user: loginUser(recipe),
    specialize,
    logfile: specialize ? 'cloudbase-init-unattend.log' : 'cloudbase-init.log',
    winrm: recipe.settings.winrm,
    variables: recipe.install.variables,
  };
}

const named = (prefix: string, names: string) => names.split(' ').map((name) => `${prefix}.${name}`);

/** The classes of Cloudbase-Init (its source, `cloudbaseinit/plugins`), and seven old names that its `plugins/factory.py` still knows. */
const plugins = [
  ...named(
    'cloudbaseinit.plugins.common',
    'ephemeraldisk.EphemeralDiskPlugin localscripts.LocalScriptsPlugin mtu.MTUPlugin networkconfig.NetworkConfigPlugin sethostname.SetHostNamePlugin setuserpassword.SetUserPasswordPlugin sshpublickeys.SetUserSSHPublicKeysPlugin trim.TrimConfigPlugin userdata.UserDataPlugin',
  ),
  ...named(
    'cloudbaseinit.plugins.windows',
    'azureguestagent.AzureGuestAgentPlugin bootconfig.BCDConfigPlugin bootconfig.BootStatusPolicyPlugin certificates.ServerCertificatesPlugin createuser.CreateUserPlugin displayidletimeout.DisplayIdleTimeoutConfigPlugin extendvolumes.ExtendVolumesPlugin licensing.WindowsLicensingPlugin ntpclient.NTPClientPlugin pagefiles.PageFilesPlugin rdp.RDPPostCertificateThumbprintPlugin rdp.RDPSettingsPlugin sanpolicy.SANPolicyPlugin updates.WindowsAutoUpdatesPlugin winrmcertificateauth.ConfigWinRMCertificateAuthPlugin winrmlistener.ConfigWinRMListenerPlugin',
  ),
  ...named(
    'cloudbaseinit.plugins.windows',
    'localscripts.LocalScriptsPlugin mtu.MTUPlugin networkconfig.NetworkConfigPlugin sethostname.SetHostNamePlugin setuserpassword.SetUserPasswordPlugin sshpublickeys.SetUserSSHPublicKeysPlugin userdata.UserDataPlugin',
  ),
];

/** Its `cloudbaseinit/metadata/services`. */
const services = named(
  'cloudbaseinit.metadata.services',
  'azureservice.AzureService base.EmptyMetadataService cloudstack.CloudStack configdrive.ConfigDriveService ec2service.EC2Service gceservice.GCEService httpservice.HttpService maasservice.MaaSHttpService nocloudservice.NoCloudConfigDriveService opennebulaservice.OpenNebulaService ovfservice.OvfService packet.PacketService vmwareguestinfoservice.VMwareGuestInfoService',
);

const listener = 'cloudbaseinit.plugins.windows.winrmlistener.ConfigWinRMListenerPlugin';

/** An option of a configuration, and the line on which it begins, from 1. */
type Option = { section: string; name: string; value: string; line: number };

type Fault = { line: number; message: string };

/** A class that somebody else has written. */
const ownClass = /^(?!cloudbaseinit\.)\w+(\.\w+)+$/;

/**
 * Mistakes of a configuration of the user's, over which Cloudbase-Init would not start, or leave a plugin out: a module that it
 * does not have is left out with a line in its log, a class that its module does not have ends it.
 */
export function lintCloudbase(recipe: WindowsRecipe, rendered: readonly RenderedFile[]): Finding[] {
  const { config } = recipe.cloudbaseInit;
  if (config === undefined) return [];
  return rendered
    .filter(({ name }) => /^cloudbase-init(-unattend)?\.conf$/.test(name))
    .flatMap(({ name, text }) => {
      const { options, faults } = parse(text);
      const needsListener = recipe.settings.winrm && name === 'cloudbase-init.conf';
      const all = [
        ...faults,
        ...options.flatMap((option) => optionFaults(option, loginUser(recipe))),
        ...(needsListener && !hasListener(options)
          ? [{ line: 1, message: `plugins: expected ${listener} with \`settings.winrm: true\`` }]
          : []),
      ];
      if (all.length === 0) return [];
      const view = cloudbaseView(recipe, name !== 'cloudbase-init.conf');
      const lines = templateLines(config, 'text', view, text.replaceAll('\r\n', '\n'));
      return all.map(({ line, message }): Finding => {
        return {
          file: config,
          line: lines?.[line - 1] ?? line,
          column: 1,
          level: 'error',
          message: `as ${name}: ${message}`,
        };
      });
    });
}

/** Of the options that Cloudbase-Init or the image's properties go by; it reads them in the section DEFAULT alone. */
function optionFaults({ section, name, value, line }: Option, user: string): Fault[] {
  if (!['plugins', 'metadata_services', 'username'].includes(name)) return [];
  const at = (message: string) => ({ line, message: `${name}: ${message}` });
  if (section !== 'DEFAULT') return [at(`expected in the section [DEFAULT], not in [${section}]`)];
  if (name === 'username') {
    const wanted = `expected {{user}}, which is ${user} by the recipe and in the properties of the image`;
    return value === user ? [] : [at(wanted)];
  }
  const known = name === 'plugins' ? plugins : services;
  return value
    .split(',')
    .map((word) => word.trim())
    .filter((word) => !known.includes(word) && !ownClass.test(word))
    .map((word) => at(`Cloudbase-Init has no class ${show(word)}${didYouMean(word, known)}`));
}

/** Without the option its own list holds, which has the listener. */
function hasListener(options: readonly Option[]): boolean {
  const chosen = options.find(({ name, section }) => name === 'plugins' && section === 'DEFAULT');
  return chosen === undefined || chosen.value.includes(listener);
}

/** Reads a configuration as oslo.config does (its `iniparser.py`): sections, `name = value`, indented lines that go on. */
function parse(text: string): { options: Option[]; faults: Fault[] } {
  const options: Option[] = [];
  const faults: Fault[] = [];
  const say = (line: number, message: string) => faults.push({ line, message });
  let section: string | undefined;
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = index + 1;
    const trimmed = raw.trim();
    const last = options.at(-1);
    if (trimmed === '' || /^[#;]/.test(raw)) continue;
    if (/^\s/.test(raw) && last) last.value += trimmed;
    else if (raw.startsWith('[')) {
      section = /^\[(.+)\]$/.exec(trimmed)?.[1];
      if (section === undefined) say(line, `expected a section like [DEFAULT], got ${show(trimmed)}`);
    } else {
      const [, name = '', value = ''] = /^([^:=]+)[:=](.*)$/.exec(trimmed) ?? [];
      if (name.trim() === '') say(line, `expected name=value, got ${show(trimmed)}`);
      else if (section === undefined) say(line, `${name.trim()}: expected a section like [DEFAULT] before it`);
      else options.push({ section, name: name.trim(), value: value.trim(), line });
    }
  }
  return { options, faults };
}
