import type { Call } from './exec.ts';

/** Where a clone's SSH is, the key that it was given, and a folder of its own. */
export type SshPlace = { port: number; user: string; key: string; folder: string };

/** The socket of the connection that is kept: a relative name, for the path of a socket has at most 107 bytes (unix(7)). */
export const connectionSocket = 'ssh.socket';

/** A new key pair without a passphrase, for a clone that lives for minutes. */
export function makeKey(path: string): Call {
  return { program: 'ssh-keygen', args: ['-q', '-t', 'ecdsa', '-N', '', '-C', 'vmkiln', '-f', path], timeout: 60 };
}

/** Runs a command in a clone, through the connection that is kept if there is one. */
export function sshTo(place: SshPlace, command: string, timeout: number): Call {
  return ssh(place, [], [command], timeout);
}

/**
 * Keeps a connection open, through which the commands that follow need no login of their own (ControlPath in ssh_config(5)): each
 * takes a guest without KVM ten to twenty seconds.
 */
export function keepConnection(place: SshPlace, timeout: number): Call {
  return ssh(place, ['-M', '-N'], [], timeout);
}

/**
 * ssh(1) to a clone on this host, whose host key is as new as itself. No configuration of the user's is read, and nothing is asked.
 * An ECDSA key is what every release since RHEL 6 takes; those of its time sign RSA by SHA-1 only, which newer clients refuse.
 */
function ssh({ port, user, key, folder }: SshPlace, options: string[], command: string[], timeout: number): Call {
  const settings = {
    ControlPath: connectionSocket,
    StrictHostKeyChecking: 'no',
    UserKnownHostsFile: '/dev/null',
    IdentitiesOnly: 'yes',
    BatchMode: 'yes',
    ConnectTimeout: '30',
    ServerAliveInterval: '15',
    LogLevel: 'ERROR',
  };
  const words = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  return {
    program: 'ssh',
    args: ['-F', 'none', ...options, '-i', key, '-p', String(port), ...words, `${user}@127.0.0.1`, ...command],
    cwd: folder,
    timeout,
  };
}
