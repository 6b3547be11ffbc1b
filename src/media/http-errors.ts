import { VmkilnError, messageOf } from '../errors.ts';

const elsewhere = 'download the file by other means and write its path into the recipe';

/** The error for an answer that is none. */
export function nameStatus(status: number, shown: string): VmkilnError {
  const [what, hint] =
    status === 404 || status === 410
      ? [
          'there is nothing at this address',
          'the link is dead or mistyped: look for the present one on the vendor’s page',
        ]
      : status === 401
        ? ['the server wants a user and password', elsewhere]
        : status === 429
          ? ['the server asks for fewer requests', 'try again later: what is there already is kept']
          : status === 403
            ? ['access is denied', `the link may have expired, or needs a login: ${elsewhere}`]
            : status >= 500
              ? ['the server is in trouble', 'try again later: what is there already is kept']
              : ['the server refuses', elsewhere];
  return new VmkilnError('MEDIA_DOWNLOAD', `${shown}: ${what} (HTTP ${status})`, { hint });
}

/** Node's codes for a certificate or handshake that failed. */
const tlsCode = /^(CERT_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|ERR_TLS|ERR_SSL|EPROTO$|HOSTNAME_MISMATCH|INVALID_CA)/;

/**
 * The error for a connection that failed, and whether it may pass: `dead` for an address where nobody answers,
 * `never` for what no retry can fix.
 *
 * @param proxy the host and port of the proxy that the connection went through.
 */
export function nameNetworkError(
  thrown: unknown,
  url: URL,
  shown: string,
  proxy?: string,
): { error: VmkilnError; passing: 'later' | 'dead' | 'never' } {
  const cause = rootCause(thrown);
  const code = String((cause as { code?: unknown }).code ?? '');
  if (cause instanceof VmkilnError) return { error: cause, passing: 'never' };
  const peer = proxy === undefined ? url.host : `the proxy ${proxy}`;
  const way = proxy === undefined ? '' : `; it is reached through ${peer}: see https_proxy and no_proxy`;
  const make = (what: string, hint: string) =>
    new VmkilnError('MEDIA_DOWNLOAD', `${shown}: ${what}`, { hint: hint + way, cause });
  const refused = /^Proxy (?:response|Authentication Required) \((\d+)\)/.exec(messageOf(cause))?.[1];
  if (refused !== undefined) {
    const why = refused === '407' ? ' (it wants a user and password)' : '';
    const error = make(`${peer} answered ${refused}${why}`, 'see what it allows, and whom');
    return { error, passing: refused >= '500' ? 'later' : 'never' };
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    const error = make(
      `the name ${proxy ?? url.hostname} cannot be resolved`,
      'check the spelling, and the DNS of this host',
    );
    return { error, passing: 'dead' };
  }
  if (code === 'ECONNREFUSED') {
    return {
      error: make(`${peer} refuses the connection`, 'nothing listens at that port: check the address'),
      passing: 'dead',
    };
  }
  if (tlsCode.test(code)) {
    const hint = 'for a CA of your own, name its file in NODE_EXTRA_CA_CERTS; else check the clock and the address';
    return {
      error: make(`no trusted connection to ${url.host}: ${messageOf(cause)} (${code})`, hint),
      passing: 'never',
    };
  }
  if (/^(UND_ERR_CONNECT_TIMEOUT|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH)$/.test(code)) {
    return {
      error: make(`${peer} cannot be reached (${code})`, 'check the network and the firewall'),
      passing: 'dead',
    };
  }
  if (/redirect count|bad port|unknown scheme|invalid url/i.test(messageOf(cause))) {
    return { error: make(messageOf(cause), 'check the address'), passing: 'never' };
  }
  const detail = code === '' ? messageOf(cause) : `${messageOf(cause)} (${code})`;
  return {
    error: make(`the connection broke: ${detail}`, 'try again: what is there already is kept'),
    passing: 'later',
  };
}

/** fetch says "fetch failed"; the reason is its cause, or the cause of that, or the first of several for a host with many addresses. */
function rootCause(thrown: unknown): object {
  const several = thrown instanceof AggregateError ? (thrown.errors[0] as unknown) : undefined;
  const cause = several ?? (thrown instanceof Error ? thrown.cause : undefined);
  if (cause instanceof Error) return rootCause(cause);
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
