import type { MachineNeeds } from '../model.ts';
import type { Call } from './exec.ts';

/** Runs a call of virsh. What it accepts besides status 0, and only that, is an answer. */
export type RunVirsh = (call: Call) => Promise<{ stdout: string }>;

/** virsh(1) at a libvirt connection URI. Of most questions status 1 is an answer: there is no such domain, or pool. */
function virsh(connect: string, args: readonly string[], accept: readonly number[] = []): Call {
  return { program: 'virsh', args: ['-c', connect, ...args], timeout: 20, accept };
}

/** The versions of libvirt and QEMU, which also shows that libvirt answers. See `parseVersions`. */
export function askVersions(connect: string): Call {
  return virsh(connect, ['version']);
}

/** Versions as `virsh version` reports them: of the libvirt library, and of the QEMU that runs guests. */
export type LibvirtVersions = { libvirt: string; qemu: string };

/** Reads `virsh version`: "Using library: libvirt 9.0.0", "Running hypervisor: QEMU 7.2.22". */
export function parseVersions(text: string): LibvirtVersions {
  return {
    libvirt: /^Using library: libvirt (\S+)/m.exec(text)?.[1] ?? 'unknown',
    qemu: /^Running hypervisor: QEMU (\S+)/m.exec(text)?.[1] ?? 'unknown',
  };
}

/** The names of the active networks. See `parseNames`. */
export function listNetworks(connect: string): Call {
  return virsh(connect, ['net-list', '--name'], [1]);
}

/** The names of all domains, running or not. See `parseNames`. */
export function listDomains(connect: string): Call {
  return virsh(connect, ['list', '--all', '--name']);
}

/** Reads the `--name` output of virsh's list commands: one name a line. */
export function parseNames(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

/** What libvirt can give a q35 machine. See `parseAbilities`. */
export function askAbilities(connect: string): Call {
  return virsh(connect, ['domcapabilities', '--machine', 'q35'], [1]);
}

/** Reads `virsh domcapabilities` (libvirt's "Domain capabilities XML format"). */
export function parseAbilities(xml: string): MachineNeeds {
  const offers = (part: string, list: string, value: string) => {
    const [, inside = ''] = new RegExp(`<${part} supported='yes'>([^]*?)</${part}>`).exec(xml) ?? [];
    return new RegExp(`<enum name='${list}'>(?:\\s*<value>[^<]*</value>)*?\\s*<value>${value}</value>`).test(inside);
  };
  return {
    uefi: offers('os', 'firmware', 'efi'),
    secureBoot: offers('loader', 'secure', 'yes'),
    tpm: offers('tpm', 'backendModel', 'emulator'),
  };
}

/** The XML of a domain. See `bootFilesOf`. */
export function dumpDomain(connect: string, domain: string, accept: readonly number[] = []): Call {
  return virsh(connect, ['dumpxml', domain], accept);
}

/** The kernel and initrd that a domain is booted with, from its XML. */
export function bootFilesOf(xml: string): string[] {
  return [...xml.matchAll(/<(?:kernel|initrd)>([^<]+)</g)].flatMap(([, file]) => file ?? []);
}

/** Ends a domain at once, as pulling the plug does. */
export function destroyDomain(connect: string, domain: string): Call {
  return virsh(connect, ['destroy', domain], [1]);
}

/** Takes a domain's definition away, with its variables of UEFI. */
export function undefineDomain(connect: string, domain: string): Call {
  return virsh(connect, ['undefine', '--nvram', domain], [1]);
}

/** Stops a storage pool; of a pool that is a folder, every file stays. */
export function destroyPool(connect: string, pool: string): Call {
  return virsh(connect, ['pool-destroy', pool], [1]);
}

export function undefinePool(connect: string, pool: string): Call {
  return virsh(connect, ['pool-undefine', pool], [1]);
}

/** Why and in what state a domain is. See `parseDomstate`. */
export function askState(connect: string, domain: string): Call {
  return virsh(connect, ['domstate', '--reason', domain]);
}

/** Reads `virsh domstate --reason`: "shut off (shutdown)". */
export function parseDomstate(text: string): { state: string; reason: string } {
  const match = /^(.+?)(?: \((.+)\))?$/.exec(text.trim());
  return { state: match?.[1] ?? '', reason: match?.[2] ?? '' };
}

/** Where a domain's screen is, such as `vnc://127.0.0.1:0` for port 5900. One that does not run has none. */
export function askDisplay(connect: string, domain: string): Call {
  return virsh(connect, ['domdisplay', domain], [1]);
}

/** The state and the counters of a domain. See `parseDomstats` and `pausedByDisk`. */
export function askStats(connect: string, domain: string): Call {
  return virsh(connect, ['domstats', '--state', '--cpu-total', '--block', '--interface', domain], [1]);
}

/** Counters of a running domain that grow while it works: nanoseconds of CPU, bytes written and received. */
export type DomainActivity = { cpu: number; written: number; received: number };

/** Reads `virsh domstats`. Missing counters count as 0. */
export function parseDomstats(text: string): DomainActivity {
  const sum = (pattern: RegExp) =>
    text.split('\n').reduce((total, line) => total + Number(pattern.exec(line.trim())?.[1] ?? 0), 0);
  return {
    cpu: sum(/^cpu\.time=(\d+)$/),
    written: sum(/^block\.\d+\.(?:wr|rd)\.bytes=(\d+)$/),
    received: sum(/^net\.\d+\.rx\.bytes=(\d+)$/),
  };
}

/**
 * Whether `virsh domstats --state` tells of a domain that QEMU stopped for an I/O error, as it does when the host's disk
 * is full: VIR_DOMAIN_PAUSED for VIR_DOMAIN_PAUSED_IOERROR of libvirt's virDomainState.
 */
export function pausedByDisk(text: string): boolean {
  return /^\s*state\.state=3$/m.test(text) && /^\s*state\.reason=5$/m.test(text);
}

/** Presses a key (KEY_ENTER) of a domain; before it runs there is nothing to press it on. */
export function sendKey(connect: string, domain: string, key: string): Call {
  return virsh(connect, ['send-key', domain, key], [1]);
}

/** Writes what a domain's screen shows into a file. See `screenshotToPng`. */
export function takeScreenshot(connect: string, domain: string, file: string): Call {
  return virsh(connect, ['screenshot', domain, file]);
}
