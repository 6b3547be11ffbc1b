import { type Command, Option } from 'commander';
import { collect, filled, whole } from './option-values.ts';

export type Run = (command: () => Promise<number | void>) => Promise<void>;
export type Define = (usage: string, summary: string, examples: readonly string[]) => Command;

/** Fields that an image is made with and that can be changed later. */
export function withFields(command: Command): Command {
  const described = command
    .option('--architecture <architecture>', 'architecture, such as x86_64')
    .option('--os-name <id>', 'operating system as libosinfo calls it, such as rhel7.9')
    .option('--os-distro <name>', 'distribution, such as rhel; wins over --os-name')
    .option('--os-version <version>', 'version of it, such as 7.9; wins over --os-name')
    .option('--kernel-id <id>', 'image with the kernel')
    .option('--ramdisk-id <id>', 'image with the initial RAM disk')
    .option('--min-disk <GB>', 'smallest disk that boots it', whole)
    .option('--min-ram <MB>', 'least memory that boots it', whole)
    .option('--property <key=value>', 'set a property (repeatable)', collect)
    .option('--tag <tag>', 'add a tag (repeatable)', collect);
  const seen = {
    public: 'everybody sees it',
    private: 'its project sees it',
    community: 'everybody who asks for it sees it',
    shared: 'its project and its members see it',
  };
  return withVisibility(described, 'who sees it', visibilities, seen)
    .option('--protected', 'it cannot be deleted')
    .option('--unprotected', 'it can be deleted');
}

export const visibilities = ['public', 'private', 'shared', 'community'] as const;

/** One visibility, by its name or as a switch of that name. */
export function withVisibility(
  command: Command,
  description: string,
  choices: readonly string[],
  switches: Readonly<Record<(typeof visibilities)[number], string>>,
): Command {
  return command
    .addOption(new Option('--visibility <kind>', description).choices(choices))
    .option('--public', switches.public)
    .option('--private', switches.private)
    .option('--community', switches.community)
    .option('--shared', switches.shared);
}

/** A project, and the domain that tells it from others of its name. */
export function withProject(command: Command, description: string): Command {
  return withProjectDomain(command.option('--project <project>', description, filled));
}

export function withProjectDomain(command: Command): Command {
  return command.option('--project-domain <domain>', 'domain of the project, if several have its name', filled);
}

export function cloudOption(): Option {
  return new Option('--os-cloud <cloud>', 'CLOUD or CLOUD/REGION of clouds.yaml (default: OS_CLOUD and OS_*)');
}

/** What `--allow-unfit` means, wherever an image is sent. */
export const allowUnfit = 'upload it as it is even if it is damaged, packed or not what it is called';
