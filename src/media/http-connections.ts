import type { Dispatcher, fetch } from 'undici';
import { rootCertificates } from 'node:tls';
import type { Env } from '../model.ts';
import { proxyFor } from './proxy.ts';

/** Connections of one transfer, on which undici's `fetch` goes to each address as the environment wants it. */
type Connections = { fetch: typeof fetch; dispatcher: Dispatcher; close: () => Promise<void> };

/** A certificate of this host's own for a server that asks for one, with its key, and CAs to trust besides the usual ones: texts in PEM. */
export type Tls = { cert?: string | undefined; key?: string | undefined; ca?: readonly string[] | undefined };

/** Opens nothing yet. undici is loaded here, because it takes a while and most commands need none. */
export async function openConnections(env: Env, tls?: Tls): Promise<Connections> {
  const undici = await import('undici');
  const connect = tls && {
    ...(tls.cert !== undefined && { cert: tls.cert }),
    ...(tls.key !== undefined && { key: tls.key }),
    ...(tls.ca && { ca: [...rootCertificates, ...tls.ca] }),
  };
  const direct = new undici.Agent({ ...(connect && { connect }) });
  const proxies = new Map<string, Dispatcher>();
  const through = (origin: URL): Dispatcher | undefined => {
    const proxy = proxyFor(origin, env);
    if (!proxy) return undefined;
    const { href } = proxy.url;
    const token = proxy.headers['Proxy-Authorization'];
    // Many proxies refuse a tunnel to another port than that of TLS.
    const open = () =>
      new undici.ProxyAgent({
        ...{ uri: proxy.url.origin, proxyTunnel: false },
        ...(token && { token }),
        ...(connect && { requestTls: connect }),
      });
    const agent = proxies.get(href) ?? open();
    proxies.set(href, agent);
    return agent;
  };
  // Each redirect asks anew.
  const dispatcher = direct.compose(
    (dispatch) => (options, handler) =>
      through(new URL(String(options.origin)))?.dispatch(options, handler) ?? dispatch(options, handler),
  );
  const close = async () => {
    await Promise.all([direct, ...proxies.values()].map((each) => each.destroy()));
  };
  return { fetch: undici.fetch, dispatcher, close };
}
