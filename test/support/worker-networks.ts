import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cutProxy } from './cut-proxy.ts';

/** A network between a worker and its server, that can be cut: `chance`, from 0 to 1, says how. `enter` begins the command line of a worker in it. */
type WorkerNetwork = {
  /** The address of the server in it. */
  to: (url: string) => string;
  enter: readonly string[];
  cut: (chance: number) => void;
  mend: () => void;
};
type WorkerNetworks = { networks: WorkerNetwork[]; remove: () => void };

/** Networks of programs of this process, which need no rights. */
export async function proxiedNetworks(count: number, port: number): Promise<WorkerNetworks> {
  const proxies = await Promise.all(Array.from({ length: count }, () => cutProxy(port)));
  return {
    networks: proxies.map(({ port: near, cut, mend }) => ({
      to: (url) => url.replace(`:${port}`, `:${near}`),
      ...{ enter: [], cut, mend },
    })),
    remove: () => {
      for (const { close } of proxies) close();
    },
  };
}

let made = 0;

/**
 * Network namespaces (ip-netns(8)) at a bridge, whose `address` is the server's. Connections live on when they are cut: packets vanish, and are sent
 * again. Needs root.
 */
export function kernelNetworks(count: number): WorkerNetworks & { address: string } {
  removeNetworks((pid) => !existsSync(`/proc/${pid}`));
  const bridge = `vmk${process.pid}b${made}`;
  // Of those for benchmarks of networks (RFC 2544): nothing else on this host has them.
  const subnet = `198.${18 + (made++ % 2)}.${process.pid % 256}`;
  const address = `${subnet}.1`;
  const names = Array.from({ length: count }, (_, index) => `${bridge}n${index}`);
  ip(`link add ${bridge} type bridge`);
  ip(`address add ${address}/24 dev ${bridge}`);
  ip(`link set ${bridge} up`);
  const networks = names.map((name, index) => {
    ip(`netns add ${name}`);
    ip(`link add ${name} type veth peer name eth0 netns ${name}`);
    ip(`link set ${name} master ${bridge} up`);
    ip(`-n ${name} address add ${subnet}.${index + 2}/24 dev eth0`);
    ip(`-n ${name} link set lo up`);
    ip(`-n ${name} link set eth0 up`);
    const filter = (text: string) => ip(`netns exec ${name} iptables ${text}`);
    const cuts = [
      // The cable is pulled at the server's end; the interface is taken down at the worker's, with its routes.
      () => ip(`link set ${name} down`),
      () => ip(`-n ${name} link set eth0 down`),
      // The worker hears nothing, and what it says is done; nothing comes through.
      () => filter('-A INPUT -i eth0 -j DROP'),
      () => [filter('-A INPUT -i eth0 -j DROP'), filter('-A OUTPUT -o eth0 -j DROP')],
    ];
    return {
      ...{ to: (url: string) => url, enter: ['ip', 'netns', 'exec', name] },
      cut: (chance: number) => void cuts[Math.floor(chance * cuts.length)]?.(),
      mend: () => {
        ip(`link set ${name} up`);
        ip(`-n ${name} link set eth0 up`);
        filter('-F');
      },
    };
  });
  return { address, networks, remove: () => removeNetworks((pid) => pid === process.pid) };
}

/** Removes those of processes, also of one that was killed. A namespace ends with the last program in it, so that its cable goes first. */
function removeNetworks(isOver: (pid: number) => boolean): void {
  for (const kind of ['link', 'netns']) {
    for (const [name, pid] of ip(`-brief ${kind} list`).matchAll(/^vmk(\d+)b\w+/gm)) {
      if (isOver(Number(pid))) ip(`${kind} del ${name}`);
    }
  }
}

function ip(text: string): string {
  return execFileSync('ip', text.split(' '), { encoding: 'utf8' });
}
