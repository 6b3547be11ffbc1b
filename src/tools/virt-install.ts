import type { Arg, Command, Host, Piece } from '../model.ts';
import { nearestOsinfo } from './osinfo.ts';

/** The machine an installation runs on. Sizes in bytes. */
export type InstallMachine = {
  memory: number;
  vcpus: number;
  disk: Arg;
  /** Files that receive the serial console and the installer's log port. */
  console: Arg;
  installerLog: Arg;
  osinfo: readonly string[];
};

/**
 * virt-install(1) without a person: it waits for the guest to power off, never reboots it and opens no viewer.
 * `cache=unsafe` is safe here, because a crashed installation is thrown away; `discard=unmap` keeps the file small.
 * The graphics listen on the loopback only and are there for screenshots. `timeout` is in seconds.
 */
export function virtInstall(machine: InstallMachine, family: readonly Arg[], host: Host, timeout: number): Command {
  const osinfo = nearestOsinfo(machine.osinfo, host.osinfo).id;
  const [wanted] = machine.osinfo;
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
      ['path=', ...quoted(machine.disk), ',format=qcow2,bus=virtio,cache=unsafe,discard=unmap'] as Arg,
      '--network',
      { host: networkWord(host) },
      '--graphics',
      'vnc,listen=127.0.0.1',
      '--serial',
      ['file,path=', ...quoted(machine.console)] as Arg,
      '--channel',
      [
        'file,path=',
        ...quoted(machine.installerLog),
        ',target.type=virtio,target.name=org.fedoraproject.anaconda.log.0',
      ] as Arg,
      ...family,
      '--noautoconsole',
      '--noreboot',
      '--wait',
      '-1',
    ],
    timeout,
  };
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
