import type { CheckName } from '../recipe/verify.ts';
import type { LinuxExpectation } from './expectation.ts';
import type { Facts } from './facts.ts';

/** What the checks of one clone know. */
export type Sight = {
  facts: Facts;
  wanted: LinuxExpectation;
  /** What the metadata of the instance named it. */
  hostname: string;
  /** The instance's SSH key, in base64 as authorized_keys has it. */
  key: string;
  /** Bytes that the disk of the clone has more than the image. */
  grown: number;
  /** Bytes that the root file system had before the first boot. */
  rootBefore: number;
  /** Whether it may reach other hosts. */
  network: boolean;
  /** Seconds since the epoch, by this host, when the clone was asked. */
  now: number;
};

/** What is wrong, in words for a person; undefined when nothing is; `skipped` says why nothing can be said. */
type Judgement = string | undefined | { skipped: string };

export type Check = { name: CheckName; judge: (sight: Sight) => Judgement };
