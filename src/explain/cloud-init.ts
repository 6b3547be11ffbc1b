import type { KnownFailure } from './failure.ts';

export const cloudInitFailures: readonly KnownFailure[] = [
  {
    id: 'cloud-init.would-not-run',
    title: 'cloud-init would not run in an instance',
    logs: ['guest'],
    match: [/vmkiln: cloud-init would not run in an instance: (?<what>.+): (?<remedy>.+)/],
    cause: 'cloud-init would not run in an instance: {what}',
    remedy: '{remedy}',
    source: 'templates/linux/check.sh.hbs',
  },
  {
    id: 'cloud-init.missing',
    title: 'The system has no cloud-init',
    logs: ['guest'],
    match: [/vmkiln: cloud-init is not installed: add cloud-init to packages/],
    cause: 'the installed system has no cloud-init, so an instance could not be reached',
    remedy: 'add cloud-init to `packages`, and on RHEL a subscription or `repositories` that have it',
    source: 'templates/rhel/guest.sh.hbs, templates/debian/guest.sh.hbs',
  },
  {
    id: 'guest.unfit',
    title: 'The system is not as it must be to become an image',
    logs: ['guest'],
    match: [
      /vmkiln: (?<what>there is no (?:\/|update-grub).*|a shell cannot read .+|\/etc\/default\/grub does not let .+|\/etc\/cloud\/cloud\.cfg has no list .+)/,
    ],
    cause: 'the installed system cannot be made an image: {what}',
    remedy: 'see what a kickstart of yours or a step has changed there; a ready image must boot with GRUB',
    source: 'templates/rhel/guest.sh.hbs, templates/debian/guest.sh.hbs',
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
