import type { KnownFailure } from './failure.ts';

// subscription-manager, and what the server (Candlepin) says through it. The words are those of subscription-manager's
// exceptions.py and cli_command/, and of Candlepin's auth/, resource/ and exceptions/.

const logs = ['installer', 'guest'] as const;

export const subscriptionFailures: readonly KnownFailure[] = [
  {
    id: 'subscription.login',
    title: 'The account is refused',
    logs,
    match: [
      /Invalid username or password/i,
      /Unauthorized: Invalid credentials for request|^Invalid [Cc]redentials/m,
      /HTTP error \(401 - Unauthorized\)/,
    ],
    cause: 'the registration server refuses user and password',
    remedy: 'check the secrets of `subscription`; the user is the login of the account, not its mail address',
    source:
      'subscription_manager/exceptions.py UNAUTHORIZED_MESSAGE; candlepin ServiceExceptionMapper.java; extraordy/rh024#5',
  },
  {
    id: 'subscription.activation-key',
    title: 'The activation key does not exist',
    logs,
    match: [/None of the activation keys specified exist for this org/],
    cause: 'the organization has no activation key of that name',
    remedy: 'compare key and organization with those of the registration server: both are case sensitive',
    source: 'candlepin auth/ActivationKeyAuth.java',
  },
  {
    id: 'subscription.organization',
    title: 'The organization does not exist',
    logs,
    match: [/Organization (?<organization>\S+) does not exist/, /Couldn't find Organization '(?<organization>[^']+)'/],
    cause: 'the registration server has no organization {organization}',
    remedy: 'take its id as `subscription-manager orgs` shows it, not its name',
    source: 'candlepin resource/ConsumerResource.java; katello',
  },
  {
    id: 'subscription.server-identity',
    title: 'The registration server is not trusted',
    logs,
    match: [/Unable to verify server's identity: (?<why>.+)/],
    cause: 'the guest does not trust the registration server: {why}',
    remedy:
      'give the certificate of the Satellite in the recipe (`subscription.caCertificate`), or see whether the clock of this host is right',
    source: 'subscription_manager/exceptions.py SSL_MESSAGE',
  },
  {
    id: 'subscription.unreachable',
    title: 'The registration server does not answer',
    logs,
    match: [
      /Unable to reach the server at (?<server>[^\s:/]+)/,
      /Network error, unable to connect to server(?<server>)/,
      /Network error: (?<server>.+?) \(error code/,
    ],
    cause: 'the guest does not reach the registration server[: {server}]',
    remedy: 'see whether this host reaches it, and whether a proxy is needed (`proxy`)',
    source: 'subscription_manager/exceptions.py SOCKET_MESSAGE, GAI_MESSAGE, CONNECTION_UNREACHABLE_MESSAGE',
  },
  {
    id: 'subscription.proxy',
    title: 'The proxy does not answer',
    logs,
    match: [/Proxy error: unable to connect to (?<proxy>[^\s:]+)/],
    cause: 'the guest does not reach the proxy {proxy}',
    remedy: 'correct `proxy.url`: the address must be one that a guest on this host reaches, not localhost',
    source: 'subscription_manager/exceptions.py PROXY_ADDRESS_MESSAGE',
  },
  {
    id: 'subscription.repository',
    title: 'A repository is not in the subscription',
    logs,
    match: [/'(?<repository>[^']+)' does not match a valid repository ID/],
    cause: 'the subscription has no repository {repository}',
    remedy:
      'correct its name (`subscription-manager repos --list` on a registered system), or use a subscription that has it',
    source: 'subscription_manager/cli_command/repos.py',
  },
  {
    id: 'subscription.no-repositories',
    title: 'The subscription has no repositories',
    logs,
    match: [/This system has no repositories available through subscriptions/],
    cause: 'the registered guest gets no repositories: nothing is attached, or content access is off',
    remedy: 'attach one (`subscription.attach`), or have the organization use Simple Content Access',
    source: 'subscription_manager/cli_command/repos.py',
  },
  {
    id: 'subscription.pool',
    title: 'The pool does not exist',
    logs,
    match: [
      /Subscription pool\(s\) \[?(?<pool>[0-9a-f]+)\]? do(?:es)? not exist/,
      /Unable to (?:attach|find a) pool with (?:the )?ID "(?<pool>[^"]+)"/,
      /Pool with id (?<pool>\S+) could not be found/,
    ],
    cause: 'the account has no pool {pool}, or nothing of it is left',
    remedy:
      'take one of `subscription-manager list --available --all`; under Simple Content Access leave `subscription.attach` out',
    source: 'candlepin bind/BindContext.java, policy/js/entitlement/EntitlementRulesTranslator.java',
  },
  {
    id: 'subscription.pool-used-up',
    title: 'The pool is used up',
    logs,
    match: [/No subscriptions are available from the pool with ID "(?<pool>[^"]+)"/],
    cause: 'nothing is left of the pool {pool}',
    remedy: 'remove registrations that nobody uses any more, or take another pool (`subscription.attach`)',
    source: 'candlepin policy/js/entitlement/EntitlementRulesTranslator.java',
  },
  {
    id: 'subscription.gone',
    title: 'The registration was taken away',
    logs,
    match: [
      /Unit (?<unit>[0-9a-f-]{36}) has been deleted/,
      /consumer's profile has been deleted from the server(?<unit>)/i,
    ],
    cause: 'somebody removed the registration of the guest at the server while it was used[: {unit}]',
    remedy: 'let nothing clean up young registrations there while images are built, and build again',
    source: 'candlepin auth/ConsumerAuth.java; rhsmlib/services/unregister.py',
  },
  {
    id: 'subscription.clock',
    title: 'The clock is wrong',
    logs,
    match: [/system clock is skewed.*?(?<seconds>\d+) seconds/, /Your identity certificate has expired(?<seconds>)/],
    cause: 'the clock of the guest does not fit the certificates of the subscription[: {seconds} s off]',
    remedy: 'set the clock of this host, which is that of its guests (`timedatectl`, NTP)',
    source: 'plugins/dnf/subscription_manager.py skew_clock_warning; exceptions.py EXPIRED_ID_CERT_MESSAGE',
  },
  {
    id: 'subscription.server-error',
    title: 'The registration server failed',
    logs,
    match: [
      /Remote server error\. Please check the connection details/,
      /HTTP error \((?<status>5\d\d) - (?<why>[^)]+)\)/,
    ],
    cause: 'the registration server answered with an error of its own[ ({status} {why})]',
    remedy: 'try again later; https://status.redhat.com tells whether it is known, and of a Satellite its own logs',
    source: 'subscription_manager/exceptions.py REMOTE_SERVER_MESSAGE',
  },
  {
    id: 'subscription.rate',
    title: 'Too many registrations at once',
    logs,
    match: [/server rate limit has been exceeded/],
    cause: 'the registration server asks for fewer requests',
    remedy: 'build fewer images at once (`--jobs`), and try again later',
    source: 'subscription_manager/exceptions.py RATE_LIMIT_MESSAGE',
  },
  {
    id: 'subscription.not-registered',
    title: 'The guest is not registered',
    logs,
    match: [/This system is not yet registered/],
    cause: 'something needs a registered guest, and this one is not',
    remedy: 'add `subscription` to the recipe, or leave out what needs it',
    source: 'subscription_manager/cli_command/cli.py',
    isGeneral: true,
  },
];
