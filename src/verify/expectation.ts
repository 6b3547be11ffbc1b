/** What an image must be like, as far as its recipe, its family and its release say. */
export type Expectation = LinuxExpectation | WindowsExpectation;

/** What an image of Windows must be like before its first boot, which only a rehearsed one has here. */
export type WindowsExpectation = {
  system: 'windows';
  /** The one answer file, which the first boot reads. */
  answerFile: string;
  /** What must be there besides, and what must not, as paths on the system drive; the latter are shell patterns. */
  present: readonly string[];
  traces: readonly string[];
  diskBus: 'virtio' | 'scsi' | 'sata';
};

/** What an image of Linux must be like, and its clones. */
export type LinuxExpectation = {
  system: 'linux';
  /** The user that cloud-init makes and gives the instance's SSH key; by default the one that /etc/cloud/cloud.cfg names. */
  user?: string;
  /** How root may log in. */
  root: 'none' | 'keys' | 'password';
  /** Whether root has a password of its own. */
  rootPassword: boolean;
  /** The name that the network card keeps, whatever its address. */
  card?: string;
  /** Whether the root file system grows with the disk. */
  grows: boolean;
  /** Whether the address range 169.254.0.0/16 has no route (NOZEROCONF). */
  noZeroconf: boolean;
  /** The mode of SELinux, where the system has it; `shipped` is that in which the distribution comes. */
  selinux?: 'enforcing' | 'permissive' | 'disabled' | 'shipped';
  /** The time zone, by the name that tzdata has for it. */
  timezone?: string;
  /** Arguments that every kernel is started with. */
  kernelArguments: readonly string[];
  /** What an image must not hold before it boots, and of that what it may, as shell patterns. */
  traces: readonly string[];
  kept: readonly string[];
  /** The machine that its clones run on: memory in bytes, and the machine type where the release does not know Q35. */
  machine: { memory: number; diskBus: 'virtio' | 'scsi' | 'sata'; type?: string };
};

/** A shell pattern for whole paths and what lies below them; `*` and `?` match no slash. */
export function patternOf(pattern: string): RegExp {
  const escaped = pattern.replaceAll(/[.+^${}()|\\]/g, '\\$&');
  return new RegExp(`^${escaped.replaceAll('*', '[^/]*').replaceAll('?', '[^/]').replaceAll('[!', '[^')}(/.*)?$`);
}

/**
 * The outcome of one check. `message` is for a person: of one that failed it says what was found, and what was wanted. `rules` counts the results of
 * the rules of SCAP content, by the names that XCCDF has for them.
 */
export type CheckResult = {
  check: string;
  outcome: 'passed' | 'failed' | 'skipped';
  message: string;
  rules?: Readonly<Record<string, number>>;
};

/** The result of a check that found `fault`, or nothing wrong. */
export function resultOf(check: string, fault: string | undefined): CheckResult {
  return fault === undefined ? { check, outcome: 'passed', message: '' } : { check, outcome: 'failed', message: fault };
}
