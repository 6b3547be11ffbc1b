/**
 * Operations of virt-sysprep(1), named one by one because the default set changes with versions. Left out: fs-uuids and
 * user-account, which break a guest, and ssh-userdir and cron-spool, which could only undo the recipe's own steps. Those of
 * another distribution find nothing to do.
 */
export const sysprepOperations = [
  'abrt-data',
  'backup-files',
  'bash-history',
  'blkid-tab',
  'crash-data',
  'customize',
  'dhcp-client-state',
  'dhcp-server-state',
  'logfiles',
  'machine-id',
  'mail-spool',
  'net-hostname',
  'net-hwaddr',
  'pacct-log',
  'package-manager-cache',
  'pam-data',
  'passwd-backups',
  'puppet-data-log',
  'rh-subscription-manager',
  'rhn-systemid',
  'rpm-db',
  'samba-db-log',
  'smolt-uuid',
  'ssh-hostkeys',
  'sssd-db-log',
  'tmp-files',
  'udev-persistent-net',
  'utmp',
  'yum-uuid',
];
