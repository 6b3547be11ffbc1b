import { type Facts, lines } from './facts.ts';

/** A port that something listens on, beyond the loopback: "tcp" and 22. */
export type Port = { protocol: string; port: number; process?: string };

/**
 * The ports that are open in both of two clones: one that a client picked at random is open in one alone. From what ss(8) or netstat(8)
 * prints with `-lntup`, whose words have the protocol first, and the address that is listened on before that of the other side.
 */
export function openPorts(one: Facts, other: Facts): Port[] {
  const others = portsIn(other);
  return portsIn(one)
    .filter(({ protocol, port }) => others.some((each) => each.protocol === protocol && each.port === port))
    .toSorted((a, b) => (a.protocol < b.protocol ? -1 : a.protocol > b.protocol ? 1 : a.port - b.port));
}

/** Why nobody can log in by SSH, if it is the port: the clone shows others, and not that one. */
export function sshFault(facts: Facts): string | undefined {
  const tcp = portsIn(facts).filter(({ protocol }) => protocol === 'tcp');
  if (tcp.length === 0 || tcp.some(({ port }) => port === 22)) return undefined;
  const own = tcp.find(({ process }) => process === 'sshd');
  return own === undefined ? 'nothing listens on port 22' : `sshd listens on port ${own.port}, not on 22`;
}

/** The ports that are open in one clone, each once. */
function portsIn(facts: Facts): Port[] {
  const found = new Map<string, Port>();
  for (const line of lines(facts, 'ports')) {
    const protocol = /^(tcp|udp)6?\s/.exec(line)?.[1];
    // Of both addresses the other side's has no port.
    const [, address = '', number] = /\s(\S+):(\d+)\s+\S+:\*/.exec(line) ?? [];
    const isLoopback = /^(\[?::1\]?$|127\.|\[?::ffff:127\.)/.test(address);
    if (protocol === undefined || number === undefined || isLoopback) continue;
    const process = /users:\(\("([^"]+)"/.exec(line)?.[1] ?? /\s\d+\/(\S+?):?(\s|$)/.exec(line)?.[1];
    const key = `${protocol} ${number}`;
    found.set(key, found.get(key) ?? { protocol, port: Number(number), ...(process !== undefined && { process }) });
  }
  return [...found.values()];
}
