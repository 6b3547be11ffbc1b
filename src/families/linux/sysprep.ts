/**
 * Operations of virt-sysprep(1), named one by one because the default set changes with versions. Left out: fs-uuids and
 * user-account, which break a guest; ssh-userdir and cron-spool, which could only undo the recipe's own steps; and what vmkiln's
 * scripts remove, which takes no time there, while without KVM each operation takes a tenth of a second from outside:
 *
 * - seal.sh, because something may make it again later: bash-history, blkid-tab, dhcp-client-state, machine-id,
 *   package-manager-cache, passwd-backups, rpm-db, ssh-hostkeys, tmp-files;
 * - guest.sh: net-hostname and net-hwaddr, for it leaves no other ifcfg file; backup-files; and `ownOperations`.
 *
 * Those of another distribution find nothing to do.
 */
export const sysprepOperations = [
  'customize',
  'logfiles',
  'pacct-log',
  'pam-data',
  'puppet-data-log',
  'samba-db-log',
  'sssd-db-log',
];

/** What operations of virt-sysprep remove that are about a few places alone (its source, sysprep_operation_*.ml), as shell patterns. */
export const ownOperations: Readonly<Record<string, readonly string[]>> = {
  'abrt-data': ['/var/spool/abrt/*'],
  'crash-data': ['/var/crash/*', '/var/log/dump/*'],
  'dhcp-server-state': ['/var/lib/dhcpd/*'],
  'mail-spool': ['/var/spool/mail/*', '/var/mail/*'],
  'rh-subscription-manager': ['/etc/pki/consumer/*', '/etc/pki/entitlement/*'],
  'rhn-systemid': ['/etc/sysconfig/rhn/systemid', '/etc/sysconfig/rhn/osad-auth.conf'],
  'smolt-uuid': ['/etc/sysconfig/hw-uuid', '/etc/smolt/uuid', '/etc/smolt/hw-uuid'],
  'udev-persistent-net': ['/etc/udev/rules.d/70-persistent-net.rules'],
  utmp: ['/var/run/utmp'],
  'yum-uuid': ['/var/lib/yum/uuid'],
};
