import { access, readFile, stat } from 'node:fs/promises';
import { messageOf, VmkilnError } from '../errors.ts';
import type { HostNetwork } from '../model.ts';
import { exec } from '../tools/exec.ts';
import { askVersions, type LibvirtVersions, listNetworks, parseNames, parseVersions } from '../tools/virsh.ts';

/** The connection a user gets who names none: the system's libvirt for root, the user's own for others. */
export function defaultConnect(uid: number): string {
  return uid === 0 ? 'qemu:///system' : 'qemu:///session';
}

/**
 * Asks libvirt for its version, which also proves that it answers.
 *
 * @throws VmkilnError HOST_UNFIT when it does not answer, with the command that starts it; TOOL_MISSING without virsh.
 */
export async function askLibvirt(connect: string, signal: AbortSignal): Promise<LibvirtVersions> {
  try {
    const { stdout } = await exec({ ...askVersions(connect), signal });
    return parseVersions(stdout);
  } catch (cause) {
    if (!(cause instanceof VmkilnError) || !['COMMAND_FAILED', 'COMMAND_TIMEOUT'].includes(cause.code)) throw cause;
    throw new VmkilnError('HOST_UNFIT', `libvirt does not answer at ${connect}: ${lastWords(messageOf(cause))}`, {
      hint: isLocal(connect)
        ? `start it: ${await startCommand(connect)}`
        : 'name the QEMU driver of this host: --connect qemu:///system or qemu:///session',
      cause,
    });
  }
}

/** Whether a connection is one of this host's own QEMU, with or without a transport: `qemu:///system`, `qemu+unix:///system`. */
function isLocal(connect: string): boolean {
  return /^qemu(\+unix)?:\/\/\//.test(connect);
}

/** virsh says first that it failed and then why; the reason is worth telling. */
function lastWords(message: string): string {
  const reasons = message.split('\n').map((line) => line.replace(/^.*\berror: /, '').trim());
  return reasons.findLast((line) => line !== '') ?? message;
}

/** The shell command that starts the daemon behind a connection on this host. */
async function startCommand(connect: string): Promise<string> {
  const socket = '/usr/lib/systemd/system/virtqemud.socket';
  if (connect.startsWith('qemu:///session')) {
    return process.getuid?.() === 0
      ? 'libvirtd -d, or better: use --connect qemu:///system, which is root’s'
      : `virsh --connect ${connect} uri (it starts by itself; this shows why it does not)`;
  }
  if (await exists('/run/systemd/system')) {
    const monolithic = await exists('/usr/lib/systemd/system/libvirtd.service', '/lib/systemd/system/libvirtd.service');
    return !monolithic && (await exists(socket))
      ? 'systemctl enable --now virtqemud.socket virtlogd.socket virtnetworkd.socket virtstoraged.socket'
      : 'systemctl enable --now virtlogd.socket libvirtd.service';
  }
  return (await exists('/usr/sbin/libvirtd')) || !(await exists('/usr/sbin/virtqemud'))
    ? 'virtlogd -d; libvirtd -d'
    : 'virtlogd -d; virtnetworkd -d; virtstoraged -d; virtqemud -d';
}

/**
 * How guests of a connection reach the network: libvirt's `default` network when it is active; for an ordinary user
 * the bridge of the system's default network, when QEMU's bridge helper may use it; else QEMU's user-mode stack,
 * which needs nothing.
 */
export async function findNetwork(connect: string, signal: AbortSignal): Promise<HostNetwork> {
  const { stdout, exitCode } = await exec({ ...listNetworks(connect), signal });
  if (exitCode === 0 && parseNames(stdout).includes('default')) return { kind: 'network', name: 'default' };
  if (connect.startsWith('qemu:///session') && (await bridgeHelperAllows('virbr0'))) {
    return { kind: 'bridge', name: 'virbr0' };
  }
  return { kind: 'user' };
}

/** Whether an ordinary user may attach a guest to the bridge: it exists, the helper is setuid, its list has the name. */
async function bridgeHelperAllows(bridge: string): Promise<boolean> {
  if (!(await exists(`/sys/class/net/${bridge}`))) return false;
  const helpers = ['/usr/lib/qemu/qemu-bridge-helper', '/usr/libexec/qemu-bridge-helper'];
  const modes = await Promise.all(
    helpers.map((path) =>
      stat(path).then(
        (s) => s.mode,
        () => 0,
      ),
    ),
  );
  if (!modes.some((mode) => (mode & 0o4001) === 0o4001)) return false;
  const lists = ['/etc/qemu/bridge.conf', '/etc/qemu-kvm/bridge.conf'];
  const texts = await Promise.all(lists.map((path) => readFile(path, 'utf8').catch(() => '')));
  return texts.some((text) => bridgeAllowed(text, bridge));
}

/** Reads QEMU's bridge.conf: `allow NAME`, `allow all`, `deny NAME`; the last matching line wins. */
export function bridgeAllowed(conf: string, bridge: string): boolean {
  const rules = conf.split('\n').flatMap((line) => {
    const [verb, name] = line.trim().split(/\s+/);
    return (verb === 'allow' || verb === 'deny') && (name === bridge || name === 'all') ? [verb] : [];
  });
  return rules.at(-1) === 'allow';
}

async function exists(...paths: readonly string[]): Promise<boolean> {
  const found = await Promise.all(
    paths.map((path) =>
      access(path).then(
        () => true,
        () => false,
      ),
    ),
  );
  return found.includes(true);
}
