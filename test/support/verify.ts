/** Every check of a finished image, in the order of its results. */
export const verifyChecks = [
  ...[
    'machine-id',
    'leftovers',
    'cloud-init',
    'space',
    'console',
    'login',
    'sudo',
    'hostname',
    'root-login',
    'passwords',
  ],
  ...['password-login', 'users', 'network', 'resolv-conf', 'zeroconf', 'root-grown', 'selinux', 'units', 'journal'],
  ...['clock', 'kernel', 'clones-differ', 'clones-alike', 'second-boot'],
];
