import type { Call } from './exec.ts';

/** Where a clone's SSH is, and the key that it was given. */
export type SshPlace = { port: number; user: string; key: string };

/** A new key pair without a passphrase, for a clone that lives for minutes. */
export function makeKey(path: string): Call {
  return { program: 'ssh-keygen', args: ['-q', '-t', 'ecdsa', '-N', '', '-C', 'vmkiln', '-f', path], timeout: 60 };
}

/**
 * ssh(1) to a clone on this host, whose host key is as new as itself. No configuration of the user's is read, and nothing is asked.
 * An ECDSA key is what every release since RHEL 6 takes; those of its time sign RSA by SHA-1 only, which newer clients refuse.
 */
export function sshTo({ port, user, key }: SshPlace, command: string, timeout: number): Call {
  const options = {
    StrictHostKeyChecking: 'no',
    UserKnownHostsFile: '/dev/null',
    IdentitiesOnly: 'yes',
    BatchMode: 'yes',
    ConnectTimeout: '10',
    ServerAliveInterval: '15',
    LogLevel: 'ERROR',
  };
  const words = Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  return {
    program: 'ssh',
    args: ['-F', 'none', '-i', key, '-p', String(port), ...words, `${user}@127.0.0.1`, command],
    timeout,
  };
}
