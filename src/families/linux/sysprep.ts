/**
 * Operations of virt-sysprep(1), named one by one because the default set changes with versions. Left out: fs-uuids and
 * user-account, which break a guest; ssh-userdir and cron-spool, which could only undo the recipe's own steps; and those whose
 * files vmkiln's scripts remove anyway, because something may make them again later: bash-history, blkid-tab,
 * dhcp-client-state, machine-id, package-manager-cache, passwd-backups, rpm-db, ssh-hostkeys, tmp-files (seal.sh), net-hostname
 * and net-hwaddr (guest.sh, which leaves no other ifcfg file). guest.sh also does what backup-files does, which is slow. Those of another distribution find nothing to do.
 */
export const sysprepOperations = [
  'abrt-data',
  'crash-data',
  'customize',
  'dhcp-server-state',
  'logfiles',
  'mail-spool',
  'pacct-log',
  'pam-data',
  'puppet-data-log',
  'rh-subscription-manager',
  'rhn-systemid',
  'samba-db-log',
  'smolt-uuid',
  'sssd-db-log',
  'udev-persistent-net',
  'utmp',
  'yum-uuid',
];
