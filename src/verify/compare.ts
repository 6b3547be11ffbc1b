import { type CheckResult, resultOf } from './expectation.ts';
import { type Facts, lines, word } from './facts.ts';

/**
 * Files of /etc and /boot that two clones do not have alike: names and keys of each, and what is written at the first boot with the
 * time in it. Regular expressions without flags.
 */
const own: readonly string[] = [
  '^/etc/(hostname|hosts|machine-id|mtab|adjtime|resolv\\.conf|iscsi/initiatorname\\.iscsi|nvme/host(nqn|id))$',
  '^/etc/ssh/ssh_host_',
  // Keys and certificates that a service makes when it first starts: httpd-init, named, unbound, cockpit.
  '^/etc/(ssl|pki/tls)/(certs|private)/',
  '\\.(key|pem|crt|cert|csr)$',
  '^/etc/(cockpit/ws-certs\\.d|openvswitch)/',
  '^/etc/lvm/(devices|archive|backup|cache)/',
  '^/etc/(\\.updated|\\.pwd\\.lock|passwd|shadow|group|gshadow|subuid|subgid)-?$',
  // The address of the card, where cloud-init writes it.
  '^/etc/sysconfig/(network$|network-scripts/ifcfg-)',
  '^/etc/systemd/network/\\d+-cloud-init',
  '^/etc/sudoers\\.d/90-cloud-init-users$',
  '^/etc/udev/rules\\.d/(70|85)-persistent-net.*\\.rules$',
  // Ubuntu takes a mirror by the availability zone, which an instance of OpenStack alone has (cc_apt_configure).
  '^/etc/apt/sources\\.list(\\.d/ubuntu\\.sources)?$',
  // Databases of Postfix have a number of their own, and the RAM disk that kdump makes at the first boot the time.
  '^/etc/(aliases|postfix/\\w+)\\.(db|lmdb)$',
  '^/boot/init(ramfs|rd)-.*kdump',
  '^/boot/(grub2?|efi)/.*grubenv$',
  '^/boot/loader/(entries/|random-seed$)',
  '^/etc/(netplan|network/interfaces\\.d|NetworkManager/system-connections|sysconfig/network-scripts)/.*(cloud-init|cloud_init)',
];

/** What a machine has for itself: the section of the facts, or a path of the identities, and what it is called. */
const identities: readonly (readonly [string, string])[] = [
  ['/etc/machine-id', 'machine-id'],
  ['/etc/ssh/ssh_host_', 'SSH host key'],
  ['/etc/iscsi/initiatorname.iscsi', 'iSCSI initiator name'],
  ['/etc/nvme/hostnqn', 'NVMe host name'],
  ['/etc/nvme/hostid', 'NVMe host id'],
  ['/etc/ssl/certs/ssl-cert-snakeoil.pem', 'self-signed certificate'],
  ['/var/lib/NetworkManager/secret_key', 'key of NetworkManager'],
];

/** What two clones of one image must have each for itself, and what alike. */
export function compare(one: Facts, other: Facts): CheckResult[] {
  return [resultOf('clones-differ', shared(one, other)), resultOf('clones-alike', apart(one, other))];
}

function shared(one: Facts, other: Facts): string | undefined {
  const [a, b] = [digests(lines(one, 'identities')), digests(lines(other, 'identities'))];
  const same = identities.flatMap(([path, what]) => {
    const found = [...a].find(([file, digest]) => file.startsWith(path) && b.get(file) === digest);
    return found ? [`${what} (${found[0]})`] : [];
  });
  if (word(one, 'hostname') === word(other, 'hostname')) same.push(`host name (${word(one, 'hostname')})`);
  return same.length === 0 ? undefined : `both clones have the same ${same.join(', ')}`;
}

function apart(one: Facts, other: Facts): string | undefined {
  const [a, b] = [digests(lines(one, 'files')), digests(lines(other, 'files'))];
  const patterns = own.map((pattern) => new RegExp(pattern));
  const names = [...new Set([...a.keys(), ...b.keys()])].toSorted();
  const different = names.filter(
    (name) => a.get(name) !== b.get(name) && !patterns.some((pattern) => pattern.test(name)),
  );
  if (different.length === 0) return undefined;
  const more = different.length > 5 ? `, and ${different.length - 5} more` : '';
  return `the clones differ in ${different.slice(0, 5).join(', ')}${more}`;
}

/** What probe.sh has of files, by their paths: a digest, or the target of a link. */
function digests(section: readonly string[]): Map<string, string> {
  return new Map(
    section.flatMap((line) => {
      const at = line.indexOf('  ');
      return at < 0 ? [] : [[line.slice(at + 2), line.slice(0, at)] as const];
    }),
  );
}
