import type { LinuxExpectation } from '../../verify/expectation.ts';
import { consoles } from './console.ts';
import { identities } from './identities.ts';
import type { Step } from './step-keys.ts';

/** Files in the home of root and of every user. */
function athome(file: string): string[] {
  return [`/root/${file}`, `/home/*/${file}`];
}

/**
 * What no image has before its first boot: names and keys of a machine, what cloud-init writes at a boot (cloudinit/helpers.py, `Paths`),
 * keys that let somebody in, there or elsewhere, and what is left of an installation, of a boot and of a shell.
 */
const traces: readonly string[] = [
  ...identities.flatMap(({ paths }) => paths),
  ...['/var/lib/cloud/instance', '/var/lib/cloud/instances/*', '/var/lib/cloud/sem/*', '/var/lib/cloud/data/*'],
  ...['/root/.ssh/*', '/home/*/.ssh/*', '/root/.*_history', '/home/*/.*_history'],
  ...['/etc/pki/consumer/*', '/etc/pki/entitlement/*', '/etc/sysconfig/rhn/systemid', '/etc/krb5.keytab'],
  ...['/etc/sudoers.d/90-cloud-init-users', '/var/log/cloud-init*.log', '/var/log/journal/*/*.journal'],
  // What agents of configuration management call a machine by.
  ...['/etc/salt/pki/minion/*', '/etc/puppetlabs/puppet/ssl/private_keys/*', '/etc/chef/client.pem'],
  ...['/var/lib/tailscale/tailscaled.state'],
  // What whoever built the image may have logged in elsewhere with.
  ...['.aws/credentials', '.docker/config.json', '.git-credentials', '.netrc', '.kube/config', '.vault-token'].flatMap(
    athome,
  ),
  ...[
    '.config/openstack/clouds.yaml',
    '.config/gh/hosts.yml',
    '.gnupg/private-keys-v1.d/*',
    '.pgpass',
    '.pypirc',
  ].flatMap(athome),
];

/** What all distributions have in common: what the shipped cloud.cfg and guest.sh make of every image. */
export function expectation(
  recipe: {
    cloudInit: { rootLogin: LinuxExpectation['root'] };
    rootPassword?: unknown;
    source: { keep?: readonly string[] };
    customize: readonly Step[];
  },
  own: Pick<LinuxExpectation, 'user' | 'card' | 'grows' | 'noZeroconf' | 'selinux' | 'timezone' | 'machine'> & {
    kernelArguments: string;
  },
): LinuxExpectation {
  const written = recipe.customize.flatMap(({ write, upload }) => write?.path ?? upload?.to ?? []);
  return {
    system: 'linux',
    ...own,
    root: recipe.cloudInit.rootLogin,
    rootPassword: recipe.rootPassword !== undefined,
    kernelArguments: `${consoles} ${own.kernelArguments}`.trim().split(' '),
    traces,
    kept: [...(recipe.source.keep ?? []), ...written],
  };
}

/** What every cloud image of Linux is like, whoever made it: its root file system grows, and nobody gets in without the instance's key. */
export const anyLinux: LinuxExpectation = {
  system: 'linux',
  root: 'keys',
  rootPassword: false,
  grows: true,
  noZeroconf: false,
  selinux: 'shipped',
  kernelArguments: [],
  traces,
  kept: [],
  machine: { memory: 2 * 1024 ** 3, diskBus: 'virtio' },
};
