import { BlockList, isIPv4 } from 'node:net';
import { unescape } from 'node:querystring';
import { VmkilnError } from '../errors.ts';
import type { Env } from '../model.ts';

/** An HTTP proxy, whose `url` may have user and password, and the headers that say them. */
export type Proxy = { url: URL; headers: Readonly<Record<string, string>> };

/**
 * The proxy that the environment wants for an address: `https_proxy`, `http_proxy`, `all_proxy` and `no_proxy`, as the
 * clients of OpenStack (Python's requests) read them; in lower case they win over upper case.
 *
 * @throws VmkilnError USAGE for a proxy that is not spoken to by HTTP.
 */
export function proxyFor(url: URL, env: Env): Proxy | undefined {
  const named = (name: string) => env[`${name}_proxy`] ?? env[`${name}_PROXY`.toUpperCase()];
  // A web server sets HTTP_PROXY to what a visitor says (the header `Proxy`), and REQUEST_METHOD with it.
  const plain = env['REQUEST_METHOD'] === undefined ? named('http') : env['http_proxy'];
  const found = (url.protocol === 'https:' ? named('https') : plain) || named('all');
  if (!found || isExempt(url, env['no_proxy'] || env['NO_PROXY'] || '')) return undefined;
  const text = /^[a-z0-9+.-]+:\/\//i.test(found) ? found : `http://${found}`;
  const proxy = URL.canParse(text) ? new URL(text) : undefined;
  if (proxy?.protocol !== 'http:' && proxy?.protocol !== 'https:') {
    throw new VmkilnError('USAGE', `the proxy for ${url.host} in the environment is not one that speaks HTTP`, {
      hint: 'set https_proxy to http://HOST:PORT, or name the host in no_proxy',
    });
  }
  const login = [proxy.username, proxy.password].map(unescape).join(':');
  const headers: Record<string, string> =
    login === ':' ? {} : { 'Proxy-Authorization': `Basic ${Buffer.from(login).toString('base64')}` };
  return { url: proxy, headers };
}

/** Whether `no_proxy` names a host: a name with everything below it, an address, a network, or `*`. */
function isExempt({ hostname, port }: URL, list: string): boolean {
  if (list.trim() === '*') return true;
  const host = hostname.replaceAll(/[[\]]/g, '');
  const names = list.replaceAll(' ', '').toLowerCase().split(',');
  return names.some((name) => {
    const bare = name.replace(/^\.+/, '');
    if (bare === '') return false;
    if (host === bare || host.endsWith(`.${bare}`)) return true;
    return isIPv4(host) ? inNetwork(host, name) : host.endsWith(name) || `${host}:${port}`.endsWith(name);
  });
}

function inNetwork(host: string, network: string): boolean {
  const [address = '', bits = ''] = network.split('/');
  if (!isIPv4(address) || !/^\d+$/.test(bits) || Number(bits) < 1 || Number(bits) > 32) return false;
  const list = new BlockList();
  list.addSubnet(address, Number(bits));
  return list.check(host);
}
