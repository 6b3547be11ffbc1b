import type { Arg, RenderedFile } from '../../model.ts';
import { sharedFile } from './scripts.ts';
import type { Trust } from './trust.ts';

/** CAs that cloud-init makes an instance trust: cc_ca_certs, of 22.4 and older ones in the first two, of newer ones in the others. */
const certificates = [
  '/usr/share/ca-certificates/cloud-init-ca-cert*',
  '/usr/share/pki/ca-trust-source/anchors/cloud-init-ca-cert*',
  '/usr/local/share/ca-certificates/cloud-init-ca-cert*',
  '/etc/pki/ca-trust/source/anchors/cloud-init-ca-cert*',
];

/**
 * What an earlier boot leaves in an image that has been booted, as shell patterns; `~` is the home of root and of every user.
 * What cloud-init writes is what `cloud-init clean --logs --seed --configs all` removes (cloudinit/cmd/clean.py), and what its
 * modules write besides: cloudinit/distros, cloudinit/net, cc_apt_configure, cc_apt_pipelining, cc_ca_certs, cc_install_hotplug,
 * cc_ntp and cc_ssh. Those of another distribution are not there.
 */
export const leftovers: readonly string[] = [
  '~/.ssh',
  '/var/lib/cloud/*',
  '/etc/cloud/cloud-init.disabled',
  '/etc/sudoers.d/90-cloud-init-users',
  '/etc/ssh/sshd_config.d/50-cloud-init.conf',
  '/etc/netplan/50-cloud-init.yaml',
  '/etc/network/interfaces.d/50-cloud-init*',
  '/etc/NetworkManager/conf.d/99-cloud-init.conf',
  '/etc/NetworkManager/conf.d/30-cloud-init-ip6-addr-gen-mode.conf',
  '/etc/NetworkManager/system-connections/cloud-init-*.nmconnection',
  '/etc/systemd/network/10-cloud-init-*.network',
  '/etc/systemd/network/50-cloud-init-*.link',
  '/etc/systemd/timesyncd.conf.d/cloud-init.conf',
  '/etc/udev/rules.d/85-persistent-net-cloud-init.rules',
  '/etc/udev/rules.d/*-cloud-init-hook-hotplug.rules',
  '/etc/sysconfig/network-scripts/route*-*',
  '/etc/sysconfig/network-scripts/rule*-*',
  '/etc/apt/apt.conf.d/9?cloud-init-*',
  '/etc/apt/cloud-init.gpg.d/*',
  ...certificates,
  '/etc/profile.d/50-cloud-init-locale.sh',
  '/etc/rsyslog.d/20-cloud-config.conf',
  '/etc/hostname',
];

/** While a command runs in the guest, libguestfs has another file in its place: only virt-customize's own options reach it. */
export const resolver = '/etc/resolv.conf';

/** What a plan says of it; the page has the list. */
export const leftoversNote =
  'what an earlier boot left is removed from the ready image, but for what source.keep names (docs/images.md, Ready images)';

/** virt-customize(1) options that come first on an image that may have been booted. `more` are paths that no command can remove. */
export function leftoversArguments(keep: readonly string[], more: readonly string[] = []): Arg[] {
  return [
    ...['--run', { rendered: 'leftovers.sh' }],
    ...more.filter((path) => !keep.includes(path)).flatMap((path) => ['--delete', path]),
  ];
}

/** Their script. `keep` has shell patterns of what stays. */
export function leftoversScript(keep: readonly string[], { command }: Trust): RenderedFile {
  return sharedFile('leftovers.sh', {
    keep: keep.flatMap((pattern) => [pattern, `${pattern}/*`]),
    leftovers: leftovers.filter((pattern) => !pattern.startsWith('~')),
    certificates,
    trust: command,
  });
}
