import type { Arg, Command, Host, Piece } from '../model.ts';
import { nearestOsinfo } from './osinfo.ts';

/** What an operating system's installer wants of the machine. */
export type InstallDevices = {
  /** How the disk is attached. */
  diskBus: 'virtio' | 'scsi' | 'sata';
  /** Name of the virtio port that the installer writes its log to, if it has one. */
  logPort: string | undefined;
  /** Whether the guest restarts during its installation, which ends only when the guest powers off by itself. */
  restarts: boolean;
  /**
   * A key (virsh send-key) that the media want pressed before they boot: `every` so many seconds, until the installer
   * says something, or for `during` seconds since the guest took the first.
   */
  bootKey?: { key: string; every: number; during: number };
};

/** The machine an installation runs on. Sizes in bytes. */
export type InstallMachine = {
  memory: number;
  vcpus: number;
  disk: Arg;
  devices: InstallDevices;
  /** Files that receive the serial console and the installer's log port. */
  console: Arg;
  installerLog: Arg;
  osinfo: readonly string[];
};

/**
 * virt-install(1) without a person: it waits for the guest to power off, and opens no viewer. With an install phase
 * (`--location`, `--cdrom`) it makes libvirt destroy a guest that restarts, and would then start it again; `--import`
 * has none, so libvirt's own on_reboot=restart holds until the guest powers off, and `--noreboot` would not start it at all.
 * `cache=unsafe` is safe here, because a crashed installation is thrown away; `discard=unmap` keeps the file small.
 * The graphics listen on the loopback only and are there for screenshots. `timeout` is in seconds.
 */
export function virtInstall(machine: InstallMachine, family: readonly Arg[], host: Host, timeout: number): Command {
  const osinfo = nearestOsinfo(machine.osinfo, host.osinfo).id;
  const [wanted] = machine.osinfo;
  const { diskBus, logPort, restarts } = machine.devices;
  return {
    program: 'virt-install',
    args: [
      '--connect',
      { host: host.connect },
      '--name',
      { build: 'domain' },
      '--virt-type',
      { host: host.accelerator === 'kvm' ? 'kvm' : 'qemu' },
      '--cpu',
      { host: host.accelerator === 'kvm' ? 'host-passthrough' : 'mode=maximum' },
      '--memory',
      { host: String(Math.ceil(machine.memory / 1024 ** 2)) },
      '--vcpus',
      { host: String(machine.vcpus) },
      '--osinfo',
      { host: osinfo === undefined ? 'generic' : `name=${osinfo}`, ...(wanted !== undefined && { wanted }) },
      '--disk',
      [
        'path=',
        ...quoted(machine.disk),
        `,format=qcow2,bus=${diskBus},cache=unsafe,discard=unmap${restarts ? ',boot.order=1' : ''}`,
      ] as Arg,
      '--network',
      { host: networkWord(host) },
      '--graphics',
      'vnc,listen=127.0.0.1',
      '--serial',
      ['file,path=', ...quoted(machine.console)] as Arg,
      ...(logPort === undefined
        ? []
        : [
            '--channel',
            ['file,path=', ...quoted(machine.installerLog), `,target.type=virtio,target.name=${logPort}`] as Arg,
          ]),
      ...family,
      '--noautoconsole',
      restarts ? '--import' : '--noreboot',
      '--wait',
      '-1',
    ],
    timeout,
  };
}

/**
 * UEFI without Secure Boot, or with firmware that is capable of it (which needs SMM) and has no keys. Left to itself
 * libvirt may take firmware with keys: that starts only what Microsoft signed, and not a kernel that QEMU hands it.
 */
export function uefiBoot(secureBoot: boolean): Arg[] {
  const features = secureBoot ? { 'secure-boot': 'yes', 'enrolled-keys': 'no' } : { 'secure-boot': 'no' };
  const words = Object.entries(features).map(
    ([name, enabled], index) => `firmware.feature${index}.name=${name},firmware.feature${index}.enabled=${enabled}`,
  );
  return ['--boot', ['uefi', ...words].join(','), ...(secureBoot ? ['--features', 'smm.state=on'] : [])];
}

/**
 * A path as the value of a suboption. virt-install splits those at commas and reads quotes as a shell does: without
 * quotes an apostrophe in a path has no end. Inside, only `"` and `\` mean something, and paths.ts refuses them.
 */
export function quoted(path: Arg): Piece[] {
  return ['"', path, '"'].flat() as Piece[];
}

function networkWord(host: Host): string {
  const { network } = host;
  return network.kind === 'user' ? 'user,model=virtio' : `${network.kind}=${network.name},model=virtio`;
}
