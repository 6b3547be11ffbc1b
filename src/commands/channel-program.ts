import type { Command } from 'commander';
import type { CommandContext } from '../ui/ui.ts';
import { type Define, type Run, withProject } from './image-options.ts';
import { filled } from './option-values.ts';

/** The commands about channels. What they do is imported when they run: help must be quick. */
export function defineChannelCommands(define: Define, run: Run, context: CommandContext): void {
  withPlace(
    define('promote <image>', 'Make an image that passed the boot gate the image of a channel.', [
      'vmkiln promote images/rhel9.qcow2 --to rhel9-staging',
      'vmkiln promote images/rhel9.qcow2 --to rhel9-prod --key signer.pub',
      'vmkiln promote rhel9 --to rhel9-prod --os-cloud mycloud --key signer.pub',
    ]).requiredOption('--to <channel>', 'the channel; its first promotion creates it', filled),
  )
    .option(
      '--key <file>',
      'public key (PEM) that must have signed every statement (default: VMKILN_PROMOTE_KEY)',
      filled,
    )
    .option(
      '--statements <file>',
      'where the statements are, if neither beside the image nor in the folder of its build',
      filled,
    )
    .option('--older', 'also an image that is older than that of the channel')
    .option('--allow-rehearsal', 'also the result of a rehearsal')
    .option('--allow-unbooted', 'also an image that was checked but not booted, such as one of Windows')
    .action((image, options) => run(async () => (await import('./promote.ts')).promote(image, options, context)));
  withPlace(
    define('rollback <channel>', 'Go back to the image that a channel had before.', [
      'vmkiln rollback rhel9-prod',
      'vmkiln rollback rhel9-prod --os-cloud mycloud --json',
    ]),
  ).action((channel, options) => run(async () => (await import('./channels.ts')).rollback(channel, options, context)));
  withPlace(
    define('revoke <image>', 'Remove an image, and every image built on it, from all channels, for good.', [
      'vmkiln revoke images/rhel9.qcow2',
      'vmkiln revoke 5f3e0b0c-6f0e-4d1e-9d2a-0f3a3c1f1d11 --os-cloud mycloud',
    ]),
  ).action((image, options) => run(async () => (await import('./channels.ts')).revoke(image, options, context)));
  withPlace(
    define('channels', 'List the channels of a folder or a cloud, or print the image of one.', [
      'vmkiln channels',
      'cp "$(vmkiln channels --resolve rhel9-prod --in /srv/images/)" disk.qcow2',
      'vmkiln channels --resolve rhel9-prod --os-cloud mycloud --json',
    ]).option('--resolve <channel>', 'print the path or the id of the image of this channel', filled),
  ).action((options) => run(async () => (await import('./channels.ts')).channels(options, context)));
}

function withPlace(command: Command): Command {
  const placed = command
    .option('--in <place>', 'a folder (./DIR, DIR/) or a cloud, CLOUD or CLOUD/REGION (default: ./images)', filled)
    .option('--os-cloud <cloud>', 'a cloud, as --in', filled);
  return withProject(placed, 'project that owns the images (name or id)').option(
    '--json',
    'print the result as one JSON value',
  );
}
