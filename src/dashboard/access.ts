import type { FastifyReply, FastifyRequest } from 'fastify';
import { newToken, type Known, type Person, personOf, type Role } from './tokens.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; undefined where nobody need be known. */
    person: Person | undefined;
  }
  interface FastifyContextConfig {
    /** Nobody need be known: what is shown says nothing of this host. */
    open?: boolean;
    /** What whoever asks must be allowed to; by default to see. */
    role?: Role;
  }
}

/** Milliseconds after which somebody has to log in again. */
const longest = 12 * 3600 * 1000;
const mostSessions = 1000;

/** Who may do what, and who is logged in. Sessions end with the process. */
export type Access = {
  /** The name of the cookie: servers on other ports of a host see the cookies of this one. */
  cookie: string;
  /** The session of whoever has this token, or the code that is good once. */
  logIn: (secret: { token: string } | { code: string }) => string | undefined;
  logOut: (session: string) => void;
  /** Lets a request pass, or answers it. */
  check: (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply | undefined>;
  may: (person: Person | undefined, role: Role) => boolean;
};

/**
 * Asks everybody for a token (`Authorization: Bearer`) or for the cookie that a login has set. What changes something, asked for with the cookie,
 * must come from a page of this server: the browser says so itself (Origin, or Sec-Fetch-Site of Fetch Metadata), besides SameSite=Strict.
 *
 * @param allowed what may be changed at all, whatever somebody's roles are.
 * @param once a code that logs its first user in as this person.
 */
export function openAccess(
  known: readonly Known[],
  { allowed, once, port }: { allowed: readonly Role[]; once?: { code: string; person: Person }; port: number },
): Access {
  const sessions = new Map<string, Person & { until: number }>();
  const codes = once ? [once] : [];
  const cookie = `vmkiln_${port}`;
  const may = (person: Person | undefined, role: Role) =>
    Boolean(person?.roles.includes(role)) && (role === 'view' || allowed.includes(role));

  const inSession = (session: string | undefined): Person | undefined => {
    const found = sessions.get(session ?? '');
    if (found && found.until < Date.now()) sessions.delete(session ?? '');
    return found && found.until >= Date.now() ? found : undefined;
  };

  return {
    ...{ cookie, may },
    logIn: (secret) => {
      const used = 'code' in secret ? codes.findIndex(({ code }) => code === secret.code) : -1;
      const person =
        'token' in secret ? personOf(known, secret.token) : codes.splice(used, used < 0 ? 0 : 1)[0]?.person;
      if (!person) return undefined;
      const [oldest] = sessions.keys();
      if (sessions.size >= mostSessions && oldest !== undefined) sessions.delete(oldest);
      const session = newToken();
      sessions.set(session, { ...person, until: Date.now() + longest });
      return session;
    },
    logOut: (session) => void sessions.delete(session),
    check: async (request, reply) => {
      const { open = false, role = 'view' } = request.routeOptions.config;
      const bearer = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
      const person = bearer === undefined ? inSession(request.cookies[cookie]) : personOf(known, bearer);
      request.person = person;
      const isChange = !['GET', 'HEAD'].includes(request.method);
      if (!open && !person) return askForLogin(request, reply, bearer !== undefined);
      if (isChange && bearer === undefined && !isOwnPage(request))
        return refuse(reply, 403, 'this was not asked for by a page of this server');
      if (open || !person || may(person, role)) return undefined;
      return refuse(
        reply,
        403,
        allowed.includes(role)
          ? `${person.name} may not do this: it takes the role ${role}`
          : `this is not allowed here: it takes --allow ${role}`,
      );
    },
  };
}

/** A browser is led to the login; a program learns what is wanted (RFC 6750). */
function askForLogin(request: FastifyRequest, reply: FastifyReply, hadToken: boolean): FastifyReply {
  const isPage =
    request.method === 'GET' && !request.url.startsWith('/api/') && /\btext\/html\b/.test(request.headers.accept ?? '');
  if (isPage && !hadToken) return reply.redirect('/login', 303);
  return refuse(reply.header('www-authenticate', 'Bearer realm="vmkiln"'), 401, 'this takes a token');
}

function refuse(reply: FastifyReply, status: number, message: string): FastifyReply {
  const code = status === 401 ? 'UNAUTHORIZED' : 'FORBIDDEN';
  return reply.code(status).send({ error: { code, message } });
}

/** Whether a browser says that a page of this server has asked: https://www.w3.org/TR/fetch-metadata/, else RFC 6454. */
function isOwnPage({ headers }: FastifyRequest): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site === 'same-origin';
  return headers.origin !== undefined && URL.canParse(headers.origin) && new URL(headers.origin).host === headers.host;
}
