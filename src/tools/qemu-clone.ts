import { existsSync } from 'node:fs';
import type { Host } from '../model.ts';
import type { Call } from './exec.ts';

/** What any machine has that runs an image. `memory` is in bytes; what its serial port prints goes to `console`. */
export type ImageMachine = {
  disk: string;
  console: string;
  memory: number;
  uuid: string;
  diskBus: 'virtio' | 'scsi' | 'sata';
  /** The machine type, where the release does not know Q35. */
  type?: string | undefined;
  /** Copies of the firmware's files, for UEFI. */
  firmware?: { code: string; variables: string } | undefined;
};

/**
 * Where an instance is told of itself: a drive, or a command that takes one connection to a metadata service with its standard input and
 * output.
 */
export type InstanceData = { seed: string } | { metadata: string };

/** A machine that runs an image as a cloud would. `port` of this host leads to its SSH. */
export type CloneMachine = ImageMachine &
  InstanceData & {
    /** What the second serial port prints goes there. */
    answers: string;
    mac: string;
    port: number;
    /** Whether the guest may reach other hosts. */
    network: boolean;
  };

/**
 * qemu-system-x86_64(1) for one clone: no libvirt, so that nothing outlives the build, and no network of the host's, so that
 * clones of any address meet nobody. With TCG it has one processor: with two, its threads wait for each other.
 */
export function runClone(qemu: string, machine: CloneMachine, host: Pick<Host, 'accelerator'>, timeout: number): Call {
  const { options, net } = 'seed' in machine ? { options: seedDrive(machine.seed), net: '' } : atNova(machine.metadata);
  const devices = [
    ...[...options, '-device', 'virtio-rng-pci', '-serial', `file:${machine.answers}`],
    '-netdev',
    `user,id=net,restrict=${machine.network ? 'off' : 'on'},hostfwd=tcp:127.0.0.1:${machine.port}-:22${net}`,
    ...['-device', `virtio-net-pci,netdev=net,mac=${machine.mac}`],
  ];
  return run(qemu, machine, host, devices, timeout);
}

/** Kernels for clouds (linux-image-cloud-amd64) have no driver for a CD drive of this machine. */
function seedDrive(path: string): string[] {
  const drive = `file=${comma(path)},format=raw,readonly=on,if=none,id=seed`;
  return ['-drive', drive, '-device', 'virtio-blk-pci,drive=seed'];
}

/**
 * A machine of Nova's by its SMBIOS, for else cloud-init does not ask (DataSourceOpenStack.py, `ds_detect`), and the address of the metadata
 * service. libslirp forwards addresses of its own network only (ip_input and tcp_ctl), which is therefore that one.
 */
function atNova(metadata: string): { options: string[]; net: string } {
  return {
    options: ['-smbios', 'type=1,manufacturer=OpenStack Foundation,product=OpenStack Nova'],
    net: `,net=169.254.169.0/24,guestfwd=tcp:169.254.169.254:80-cmd:${comma(metadata)}`,
  };
}

/** As {@link runClone}, for a rehearsed Windows: it runs from the practice DVD, and knows no network. */
export function runPractice(
  qemu: string,
  machine: ImageMachine & { dvd: string },
  host: Pick<Host, 'accelerator'>,
  timeout: number,
): Call {
  const dvd = ['-drive', `file=${comma(machine.dvd)},format=raw,readonly=on,if=none,id=dvd`];
  const devices = [...dvd, '-device', 'virtio-scsi-pci', '-device', 'scsi-cd,drive=dvd'];
  return run(qemu, machine, host, devices, timeout);
}

function run(
  qemu: string,
  machine: ImageMachine,
  { accelerator }: Pick<Host, 'accelerator'>,
  more: readonly string[],
  timeout: number,
): Call {
  const kvm = accelerator === 'kvm';
  const { diskBus, disk, firmware, type } = machine;
  // A full disk of the host is an error that the guest sees: QEMU would stop it, and say nothing.
  const drive = `file=${comma(disk)},format=qcow2,cache=unsafe,discard=unmap,werror=report,if=none,id=disk`;
  const devices = {
    virtio: ['-device', 'virtio-blk-pci,drive=disk,bootindex=1'],
    scsi: ['-device', 'virtio-scsi-pci', '-device', 'scsi-hd,drive=disk,bootindex=1'],
    sata: ['-device', 'ich9-ahci,id=ahci', '-device', 'ide-hd,drive=disk,bus=ahci.0,bootindex=1'],
  };
  const flash = (file: string, end = '') => ['-drive', `if=pflash,format=raw,file=${comma(file)}${end}`];
  return {
    program: qemu,
    args: [
      ...['-nodefaults', '-no-user-config', '-display', 'none', '-uuid', machine.uuid],
      ...['-machine', `${type ?? 'q35'},accel=${kvm ? 'kvm' : 'tcg'}`, '-cpu', kvm ? 'host' : 'max'],
      ...['-smp', kvm ? '2' : '1', '-m', String(Math.ceil(machine.memory / 1024 ** 2))],
      ...(firmware ? [...flash(firmware.code, ',readonly=on'), ...flash(firmware.variables)] : []),
      ...['-drive', drive, ...devices[diskBus], '-serial', `file:${machine.console}`, ...more],
    ],
    // A guest would outlive a vmkiln that is killed, and nobody would look for it.
    confined: {},
    timeout,
  };
}

/** A path inside an option of QEMU, whose suboptions end with a comma. */
function comma(path: string): string {
  return path.replaceAll(',', ',,');
}

const firmwares = ['/usr/share/OVMF/OVMF_*_4M.fd', '/usr/share/edk2/ovmf/OVMF_*.fd', '/usr/share/OVMF/OVMF_*.fd'];

/** UEFI without Secure Boot, as distributions install it: its code, and the variables that a machine starts with. */
export function findFirmware(): { code: string; variables: string } | undefined {
  const found = firmwares.find((place) => existsSync(place.replace('*', 'CODE')));
  return found === undefined ? undefined : { code: found.replace('*', 'CODE'), variables: found.replace('*', 'VARS') };
}
