import type { Arg, RenderedFile } from '../../model.ts';
import { sharedFile } from './scripts.ts';

/**
 * What an earlier boot leaves in an image that has been booted, as shell patterns; `~` is the home of root and of every user.
 * What cloud-init writes is what `cloud-init clean --logs --seed --configs all` removes (cloudinit/cmd/clean.py), and what its
 * modules write besides: cloudinit/distros, cloudinit/net, cc_ca_certs and cc_ssh.
 */
export const leftovers = [
  '~/.ssh',
  '/var/lib/cloud/*',
  '/etc/cloud/cloud-init.disabled',
  '/etc/sudoers.d/90-cloud-init-users',
  '/etc/ssh/sshd_config.d/50-cloud-init.conf',
  '/etc/NetworkManager/conf.d/99-cloud-init.conf',
  '/etc/NetworkManager/conf.d/30-cloud-init-ip6-addr-gen-mode.conf',
  '/etc/NetworkManager/system-connections/cloud-init-*.nmconnection',
  '/etc/systemd/network/10-cloud-init-*.network',
  '/etc/udev/rules.d/85-persistent-net-cloud-init.rules',
  '/etc/sysconfig/network-scripts/route*-*',
  '/etc/sysconfig/network-scripts/rule*-*',
  '/etc/pki/ca-trust/source/anchors/cloud-init-ca-cert*',
  '/etc/profile.d/50-cloud-init-locale.sh',
  '/etc/rsyslog.d/20-cloud-config.conf',
  '/etc/hostname',
] as const;

/** While a command runs in the guest, libguestfs has another file in its place: only virt-customize's own options reach it. */
const resolver = '/etc/resolv.conf';

/** In words, for the plan. */
export const leftoversText = [
  resolver,
  ...leftovers.map((pattern) => (pattern === '~/.ssh' ? '.ssh of root and every user' : pattern)),
  'keys that AuthorizedKeysFile names',
  'what cloud-init added to /etc/fstab',
].join(', ');

/** virt-customize(1) options that come first on an image that may have been booted. */
export function leftoversArguments(keep: readonly string[]): Arg[] {
  return ['--run', { rendered: 'leftovers.sh' }, ...(keep.includes(resolver) ? [] : ['--delete', resolver])];
}

/** Their script. `keep` has shell patterns of what stays. */
export function leftoversScript(keep: readonly string[]): RenderedFile {
  return sharedFile('leftovers.sh', {
    keep: keep.flatMap((pattern) => [pattern, `${pattern}/*`]),
    leftovers: leftovers.filter((pattern) => !pattern.startsWith('~')),
  });
}
