import type { KnownFailure } from './failure.ts';

export const cloudInitFailures: readonly KnownFailure[] = [
  {
    id: 'cloud-init.would-not-run',
    title: 'cloud-init would not run in an instance',
    logs: ['guest'],
    match: [/vmkiln: cloud-init would not run in an instance: (?<what>.+)/],
    cause: 'cloud-init would not run in an instance: {what}',
    remedy: 'install cloud-init (`packages`), and leave its services enabled and its files in place',
    source: 'templates/linux/check.sh.hbs',
  },
  {
    id: 'cloud-init.configuration',
    title: 'The configuration of cloud-init is not valid',
    logs: ['installer', 'guest'],
    match: [/Cloud config schema errors: (?<what>.+)/, /Failed loading yaml blob(?:\. (?<what>.+))?/],
    cause: 'cloud-init cannot read its configuration[: {what}]',
    remedy:
      'correct the cloud-config that the recipe or the kickstart writes: `cloud-init schema -c FILE` names the line',
    source: 'cloudinit/config/schema.py; cloudinit/util.py load_yaml',
  },
  {
    id: 'cloud-init.module',
    title: 'A module of cloud-init failed',
    logs: ['installer', 'guest'],
    match: [/Running module (?<module>\S+) \([^)\n]*\) failed/],
    cause: 'the module {module} of cloud-init failed',
    remedy: 'see /var/log/cloud-init.log of the guest for the reason',
    source: 'cloudinit/config/modules.py _run_modules',
    isGeneral: true,
  },
];
