import { aptFailures } from './apt.ts';
import { cloudInitFailures } from './cloud-init.ts';
import type { KnownFailure } from './failure.ts';
import { guestfsFailures } from './guestfs.ts';
import { hostFailures } from './hosts.ts';
import { openstackFailures } from './openstack.ts';
import { packageFailures } from './packages.ts';
import { subscriptionFailures } from './subscriptions.ts';

/** The failures of tools that are known. Those of an installer are with its family. */
export const toolFailures: readonly KnownFailure[] = [
  ...hostFailures,
  ...guestfsFailures,
  ...packageFailures,
  ...subscriptionFailures,
  ...aptFailures,
  ...cloudInitFailures,
  ...openstackFailures,
];
