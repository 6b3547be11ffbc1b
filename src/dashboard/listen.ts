import { isIP, BlockList } from 'node:net';
import { VmkilnError } from '../errors.ts';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** Where a server listens. */
export type Listen = { host: string; port: number };

/** Reads HOST:PORT, with an IPv6 address in brackets. Pure. @throws VmkilnError USAGE */
export function parseListen(text: string): Listen {
  const [, bracketed, plain, digits = ''] = /^(?:\[([^\]]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host !== undefined && Number(digits) <= 65_535 && (bracketed === undefined || isIP(bracketed) === 6))
    return { host, port: Number(digits) };
  throw new VmkilnError('USAGE', `${JSON.stringify(text)} is no address to listen on`, {
    hint: 'expected HOST:PORT, such as 127.0.0.1:8470 or [::1]:8470',
  });
}

/** Whether only this host reaches it. Pure. */
export function isLoopback({ host }: Listen): boolean {
  if (host === 'localhost') return true;
  const version = isIP(host);
  return version !== 0 && loopback.check(host, version === 6 ? 'ipv6' : 'ipv4');
}

/** As a URL has it. Pure. */
export function urlOf({ host, port }: Listen): string {
  return `http://${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
}
