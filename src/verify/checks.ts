import { rpmVersionOrder } from '../version-order.ts';
import { accessChecks } from './access-checks.ts';
import { type CheckResult, patternOf, resultOf } from './expectation.ts';
import { lines, word } from './facts.ts';
import type { Check, Sight } from './sight.ts';
import { systemChecks } from './system-checks.ts';

const mib = 1024 ** 2;

/** What a guest says of a busy host, and of connections that were tried before there was a key: no fault of the image. */
const hostsOwn: readonly string[] = [
  'soft lockup|rcu: INFO|self-detected stall|[Cc]locksource',
  'kex_exchange_identification|Connection (closed|reset) by|maximum authentication attempts',
  // sshd says so of a connection that nobody has logged in by yet (monitor.c adds `[preauth]`), here one that met its restart by cloud-init.
  '\\[preauth\\]$',
  // systemd's words for what `units` tells, of what failed for good.
  '^Failed to start ',
];

/**
 * What fails, and what is said, for no other reason than that the clones reach nobody: Ubuntu's first boot asks for entropy (cloud-hypervisor#2113), and timers
 * of distributions ask their mirrors.
 */
const offline = {
  units: ['pollinate', 'dnf-makecache', 'apt-daily', 'apt-daily-upgrade', 'fwupd-refresh', 'motd-news'],
  journal:
    "Name or service not known|Temporary failure in name resolution|[Cc]ould(n't| not) resolve|Network is unreachable|No route to host",
};

/**
 * The name servers that QEMU's user-mode network offers (qemu-system-x86_64(1), `-netdev user,dns=,ipv6-dns=`): by DHCP to guests that reach others, and by a
 * router advertisement to all, on a host that has one with an IPv6 address (libslirp, ip6_icmp.c).
 */
const resolver = { dhcp: '10.0.2.3', advertised: 'fec0::3' };

/** Addresses that its DHCP server gives: `-netdev user,net=`. */
const leased = /inet 10\.0\.2\.\d+\//;

/** In the order in which a person would look: the first that fails explains the others. */
const checks: readonly Check[] = [
  {
    name: 'cloud-init',
    judge: ({ facts }) => {
      const text = lines(facts, 'cloud-init').join('\n');
      const errors = errorsIn(text);
      if (errors === undefined) return 'cloud-init did not finish';
      return errors.length > 0 ? `cloud-init reports: ${errors.join('; ')}` : undefined;
    },
  },
  {
    name: 'hostname',
    judge: ({ facts, hostname }) => {
      const found = word(facts, 'hostname');
      return found.split('.')[0] === hostname
        ? undefined
        : `the host is called "${found}", its metadata say "${hostname}"`;
    },
  },
  ...accessChecks,
  {
    name: 'network',
    judge: ({ facts, wanted }) => {
      const cards = lines(facts, 'cards').map((line) => line.split(' ')[0]);
      if (wanted.card !== undefined && !cards.includes(wanted.card)) {
        return `the network card is called ${cards.join(', ') || 'nothing'}, not ${wanted.card}`;
      }
      const card = wanted.card ?? cards[0] ?? '';
      const has = lines(facts, 'addresses').filter((line) => line.includes(` ${card} `) && line.includes('inet '));
      if (has.some((line) => leased.test(line))) return undefined;
      const own = has.flatMap((line) => /inet (\S+)/.exec(line)?.[1] ?? []).join(', ');
      return `${card || 'the network card'} got no address by DHCP${own === '' ? '' : `: it has ${own}, which is its own`}`;
    },
  },
  {
    name: 'resolv-conf',
    judge: ({ facts, network }) => {
      const [state, ...text] = lines(facts, 'resolv-conf');
      if (state === undefined) return { skipped: 'there is no /etc/resolv.conf' };
      if (state === 'dangling') return '/etc/resolv.conf is a link to nothing';
      const servers = text.flatMap((line) => /^nameserver\s+(\S+)/.exec(line)?.[1] ?? []);
      if (servers.length === 0) {
        // To guests that reach nobody libslirp offers no name server (bootp.c).
        return network
          ? '/etc/resolv.conf names no name server'
          : { skipped: 'the clones were offered no name server' };
      }
      // A resolver of the guest's own asks it. One of IPv6 may have the name of its link.
      const foreign = servers.filter((server) => {
        const [address = ''] = server.split('%');
        return !(Object.values(resolver).includes(address) || address.startsWith('127.') || address === '::1');
      });
      return foreign.length === 0 ? undefined : `/etc/resolv.conf names ${foreign.join(', ')}, which DHCP does not`;
    },
  },
  {
    name: 'zeroconf',
    judge: ({ facts, wanted }) => {
      if (!wanted.noZeroconf) return undefined;
      const route = lines(facts, 'routes').find((line) => line.startsWith('169.254.0.0/16'));
      if (route !== undefined) return `there is a route ${route}`;
      const found = lines(facts, 'zeroconf');
      return found.some((line) => /^NOZEROCONF=["']?yes/.test(line))
        ? undefined
        : '/etc/sysconfig/network has no NOZEROCONF=yes';
    },
  },
  {
    name: 'root-grown',
    judge: ({ facts, wanted, grown, rootBefore }) => {
      if (!wanted.grows) return { skipped: 'nothing grows the root file system of this release' };
      const [, size = '0'] = word(facts, 'root').split(/\s+/);
      const after = Number(size) * 1024;
      // What the file system keeps for itself of what it has gained is far less than the half.
      if (after - rootBefore >= grown / 2) return undefined;
      // The kernel of RHEL 6 reads no table anew that is in use: what grows its root is in the initial RAM disk, or nowhere.
      const cannot = word(facts, 'kernel').startsWith('2.6.') && lines(facts, 'growroot').length === 0;
      return cannot
        ? { skipped: 'nothing grows the root file system of this release without dracut-modules-growroot' }
        : `the root has ${Math.round(after / mib)} MiB, as before (${Math.round(rootBefore / mib)} MiB), on a disk that is ${Math.round(grown / mib)} MiB larger: it did not grow`;
    },
  },
  {
    name: 'space',
    judge: ({ facts }) => {
      const [, , , free = '0', used = ''] = word(facts, 'root').split(/\s+/);
      if (Number(free) * 1024 < 100 * mib)
        return `the root file system is full (${used}, ${Math.round(Number(free) / 1024)} MiB free)`;
      const [full] = lines(facts, 'full');
      return full === undefined
        ? undefined
        : `the file system of ${full.split(' ')[0]} is full (${full.split(' ')[1]})`;
    },
  },
  {
    name: 'selinux',
    judge: ({ facts, wanted }) => {
      const said = (name: string) => lines(facts, 'selinux').flatMap((line) => line.split(`${name} `)[1] ?? [])[0];
      const mode = wanted.selinux === 'shipped' ? said('shipped') : wanted.selinux;
      if (mode === undefined) return undefined;
      const running = word(facts, 'selinux').toLowerCase();
      const configured = said('configured') ?? 'nowhere';
      if (configured !== mode) return `SELinux is configured ${configured}, not ${mode}`;
      const off = word(facts, 'cmdline')
        .split(/\s+/)
        .find((argument) => /^(selinux|enforcing)=0$/.test(argument));
      if (off !== undefined) return `the kernel is started with ${off}`;
      // Disabled by nobody: the kernel has no SELinux.
      if (['permissive', 'enforcing'].includes(running) && running !== mode)
        return `SELinux is ${running}, not ${mode}`;
      const [label] = lines(facts, 'labels');
      return label === undefined ? undefined : `files have wrong labels: ${label.trim()}`;
    },
  },
  {
    name: 'units',
    judge: ({ facts, network }) => {
      if (word(facts, 'state') === '') return { skipped: 'the system has no systemd' };
      const failed = lines(facts, 'failed')
        .map((line) => line.replace(/^\W+/, '').split(/\s+/)[0] ?? '')
        .filter((unit) => network || !offline.units.includes(unit.replace(/\.service$/, '')));
      return failed.length === 0 ? undefined : `failed units: ${failed.join(', ')}`;
    },
  },
  {
    name: 'journal',
    judge: ({ facts, network }) => {
      const known = [...hostsOwn, ...(network ? [] : [offline.journal])].map((pattern) => new RegExp(pattern));
      const unknown = (line: string) => !known.some((pattern) => pattern.test(line));
      const [broken] = lines(facts, 'filesystem-errors');
      if (broken !== undefined) return `the kernel found a file system damaged: ${broken}`;
      if (word(facts, 'state') === '') return { skipped: 'the system has no systemd, and keeps no journal' };
      const worst = lines(facts, 'critical').find(unknown);
      if (worst !== undefined) return `the journal has a critical message: ${worst}`;
      const error = lines(facts, 'errors').find(unknown);
      return error === undefined ? undefined : `the journal has an error: ${error}`;
    },
  },
  {
    name: 'clock',
    judge: ({ facts, now }) => {
      const ahead = Number(word(facts, 'clock')) - now;
      return Math.abs(ahead) < 300
        ? undefined
        : `the clock is ${Math.round(Math.abs(ahead))} s ${ahead < 0 ? 'behind' : 'ahead'}`;
    },
  },
  {
    name: 'kernel',
    judge: ({ facts, wanted }) => {
      const running = word(facts, 'kernel');
      // One of a variant (+debug, +rt) is started by whoever chooses it.
      const own = lines(facts, 'kernels').filter((kernel) => variantOf(kernel) === variantOf(running));
      const newest = own.toSorted(rpmVersionOrder).at(-1);
      if (newest !== undefined && newest !== running) return `the kernel ${running} runs, and ${newest} is installed`;
      const words = word(facts, 'cmdline').split(/\s+/);
      if (words.some((each) => /^BOOT_IMAGE=.*-rescue/.test(each))) return 'the rescue entry is started by default';
      const disk = words.find((each) => /^root=\/dev\/([hsv]d[a-z]|xvd[a-z]|nvme\d)/.test(each));
      if (disk !== undefined)
        return `the kernel is told ${disk}, a name that the disk has on some machines only: use its UUID`;
      const missing = wanted.kernelArguments.filter((argument) => !words.includes(argument));
      return missing.length === 0 ? undefined : `the kernel runs without ${missing.join(' ')}`;
    },
  },
];

/** Faults that belong to checks which look elsewhere too: these are results only where they are found. */
const more: readonly Check[] = [
  {
    name: 'console',
    judge: ({ facts }) => {
      const [there, ...configured] = lines(facts, 'grub');
      const runs = word(facts, 'cmdline').includes('console=ttyS0');
      return there !== undefined && runs && !configured.some((line) => line.includes('console=ttyS0'))
        ? 'console=ttyS0 is not in /etc/default/grub: the next kernel would be started without it'
        : undefined;
    },
  },
  {
    name: 'sudo',
    judge: ({ facts, wanted }) => {
      const kept = wanted.kept.map(patternOf);
      const [rule] = lines(facts, 'sudo-all')
        .map((line) => /^(\S+) (\S+)/.exec(line) ?? [])
        .filter(([, file = '', who]) => who !== wanted.user && who !== 'root' && !kept.some((each) => each.test(file)));
      if (rule === undefined) return undefined;
      return `${rule[2] === 'ALL' ? 'everybody' : rule[2]} may become root without a password, by ${rule[1]}`;
    },
  },
];

/** What a kernel is besides its version, as its name ends: `+debug` and `+rt` of RHEL, `uek` of Oracle Linux, `-cloud-amd64` of Debian, `-generic` of Ubuntu. */
function variantOf(kernel: string): string {
  return /(\+[\w-]+|uek\.\w+|(-[a-z][a-z\d]*)+)$/.exec(kernel)?.[0] ?? '';
}

/** The errors in cloud-init's result.json; undefined when that is not whole. */
function errorsIn(result: string): readonly string[] | undefined {
  try {
    return (JSON.parse(result) as { v1?: { errors?: string[] } }).v1?.errors ?? [];
  } catch {
    return undefined;
  }
}

/** What is to be said of one clone. */
export function judge(sight: Sight): CheckResult[] {
  const results = [...checks, ...systemChecks, ...more].map(({ name, judge: ask }): CheckResult => {
    const found = ask(sight);
    if (typeof found === 'object') return { check: name, outcome: 'skipped', message: found.skipped };
    return resultOf(name, found);
  });
  return results.filter(({ outcome }, index) => index < results.length - more.length || outcome === 'failed');
}
