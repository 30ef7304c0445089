import { LibvirtCanonicalError } from '../../errors.js';
import { nearest } from '../../nearest.js';
import { assertQemu } from './drivers.js';

/** Which daemon's socket to take: `direct` virtqemud, `legacy` libvirtd or virtproxyd, `auto` whichever is there. */
export type SocketMode = 'auto' | 'direct' | 'legacy';

/** How to reach a daemon. */
export type TransportName = 'unix' | 'tls' | 'tcp' | 'ssh';

/** A libvirt URI, taken apart. */
export interface ConnectionUri {
  /** As given, without a password. */
  readonly text: string;
  /** The hypervisor driver, `qemu`; '' if the daemon is to choose. */
  readonly driver: string;
  readonly transport: TransportName;
  /** The machine; `localhost` where the URI names none. An IPv6 address has no brackets here. */
  readonly host: string;
  readonly port: number | undefined;
  readonly user: string | undefined;
  readonly password: string | undefined;
  /** `/system` or `/session`, as a rule. */
  readonly path: string;
  readonly socket: string | undefined;
  readonly mode: SocketMode;
  /** What CONNECT_OPEN is told: no transport, no host, none of the client's own parameters. */
  readonly name: string;
  /** The client's own parameters by their names in lower case. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** Parameters that libvirt's client keeps to itself; names in any case. All others are the driver's. */
const CLIENT_PARAMETERS = new Set([
  'name', 'command', 'socket', 'auth', 'sshauth', 'netcat', 'keyfile', 'pkipath', 'known_hosts', 'known_hosts_verify',
  'tls_priority', 'mode', 'proxy', 'no_sanity', 'no_verify', 'no_tty', 'authfile',
]); // biome-ignore format: a list of words

/** Parameters whose value is a number, 0 for no. */
const SWITCHES = ['no_sanity', 'no_verify', 'no_tty'];

const TRANSPORTS: ReadonlySet<string> = new Set<TransportName>(['unix', 'tls', 'tcp', 'ssh']);

/** libvirt's other transports, and what to use in their place. */
const ELSEWHERE = new Map([
  ['libssh', "Write qemu+ssh://, which runs the system's own ssh"],
  ['libssh2', "Write qemu+ssh://, which runs the system's own ssh"],
  ['ext', 'Write qemu+ssh://HOST/system?command=PROGRAM for a program that is called as ssh is'],
]);

const SHAPE = /^([a-z][a-z0-9.-]*)(?:\+([a-z0-9]+))?:(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#.*)?$/i;
const AUTHORITY = /^(?:(.*)@)?(?:\[([^\]]*)\]|([^:[\]]*))(?::(\d*))?$/s;
/** A host that a program would take for an option, or that no name may hold. */
const BAD_HOST = /^-|[\s\p{Cc}'"\\/<>|;&$`(){}]/u;

/**
 * Takes a URI apart as libvirt does. `URL` does not serve: it turns + into a space, keeps brackets and throws on URIs
 * that libvirt knows. Throws URI_INVALID with what to write instead, and UNSUPPORTED for drivers other than QEMU's and
 * for transports that libvirt has and this library has not.
 */
export function parseUri(text: string): ConnectionUri {
  if (text === '') return EMPTY;
  const [, scheme = '', transportName, authority = '', path = '', query = ''] = SHAPE.exec(text) ?? [];
  if (!scheme) throw invalid(text, 'is not a URI', 'Write e.g. qemu:///system');
  const driver = scheme.toLowerCase();
  if ((authority === 'system' || authority === 'session') && path === '') {
    throw invalid(text, `names a host '${authority}'`, `A slash is missing: write ${text.replace('://', ':///')}`);
  }
  const transport = transportOf(text, transportName?.toLowerCase() ?? (authority === '' ? 'unix' : 'tls'));
  if (transport === 'unix' && authority !== '') {
    throw invalid(text, 'has a host, but a unix socket is on this machine', 'Leave the host out: qemu+unix:///system');
  }
  const { own, others } = parseQuery(text, query);
  const mode = own.get('mode') ?? 'auto';
  if (mode !== 'auto' && mode !== 'direct' && mode !== 'legacy') {
    throw invalid(text, `has mode '${mode}'`, 'mode is auto, direct or legacy');
  }
  const rest = others.length > 0 ? `?${others.join('&')}` : '';
  const given = own.get('name');
  const name = given ?? (driver === 'remote' ? '' : `${driver}://${path}${rest}`);
  if (given) assertQemuName(text, given);
  else assertQemu(driver, path, shownUri(text));
  return {
    text: withoutPassword(text, authority),
    driver: driver === 'remote' ? '' : driver,
    transport,
    ...parseAuthority(text, authority, transport),
    path,
    socket: own.get('socket'),
    mode,
    name,
    parameters: own,
  };
}

const EMPTY: ConnectionUri = {
  text: '',
  driver: '',
  transport: 'unix',
  host: 'localhost',
  port: undefined,
  user: undefined,
  password: undefined,
  path: '',
  socket: undefined,
  mode: 'auto',
  name: '',
  parameters: new Map(),
};

/** Whether a parameter such as no_verify is set; libvirt takes any number but 0 for yes. */
export const isSet = ({ parameters }: ConnectionUri, parameter: 'no_verify' | 'no_tty'): boolean =>
  Number(parameters.get(parameter) ?? 0) !== 0;

function transportOf(text: string, transport: string): TransportName {
  if (TRANSPORTS.has(transport)) return transport as TransportName;
  const remedy = ELSEWHERE.get(transport);
  if (remedy) {
    throw new LibvirtCanonicalError('UNSUPPORTED', `'${shownUri(text)}' has the transport ${transport}`, { remedy });
  }
  const meant = nearest(transport, TRANSPORTS);
  throw invalid(
    text,
    `has an unknown transport '${transport}'`,
    meant ? `Did you mean '${meant}'?` : 'Transports are unix, ssh, tls and tcp: write e.g. qemu+ssh://host/system',
  );
}

/** The name that CONNECT_OPEN is to be told, where the URI gives it, is held to what a URI is held to. */
function assertQemuName(text: string, name: string): void {
  const [, scheme = '', transport, authority = '', path = ''] = SHAPE.exec(name) ?? [];
  if (!scheme || transport || authority !== '') {
    throw invalid(
      text,
      `has the name '${shownUri(name)}'`,
      'name is a URI as the daemon opens it: name=qemu:///system',
    );
  }
  assertQemu(scheme.toLowerCase(), path, shownUri(text));
}

function parseAuthority(
  text: string,
  authority: string,
  transport: TransportName,
): Pick<ConnectionUri, 'host' | 'port' | 'user' | 'password'> {
  const match = AUTHORITY.exec(authority);
  if (!match) throw invalid(text, 'names no host that can be', 'Write [user@]host[:port], an IPv6 address in brackets');
  const [, login, ipv6, name = '', digits = ''] = match;
  const host = decode(text, ipv6 ?? name) || 'localhost';
  if (BAD_HOST.test(host)) throw invalid(text, 'names no host that can be', 'Write the name or the address of a host');
  const port = digits === '' ? undefined : Number(digits);
  if (port !== undefined && !(port >= 1 && port <= 65_535)) {
    throw invalid(text, `has the port ${digits}`, 'A port is a number from 1 to 65535');
  }
  const [user, password] = splitLogin(text, login);
  if (password !== undefined && transport !== 'tls') {
    throw invalid(
      text,
      'holds a password',
      transport === 'ssh'
        ? 'ssh takes none from a program: use a key (keyfile=), an agent, or let ssh ask'
        : 'A password is sent over TLS only',
    );
  }
  return { host, port, user, password };
}

function splitLogin(text: string, login: string | undefined): [user: string | undefined, password: string | undefined] {
  if (login === undefined || login === '') return [undefined, undefined];
  const colon = login.indexOf(':');
  const user = decode(text, colon === -1 ? login : login.slice(0, colon));
  const password = colon === -1 ? undefined : decode(text, login.slice(colon + 1));
  if (/\p{Cc}/u.test(user) || user === '') throw invalid(text, 'names no user that can be', 'Write user@host');
  return [user, password];
}

function withoutPassword(text: string, authority: string): string {
  return text.replace(authority, authority.replace(/:.*@/s, '@'));
}

/** Parameters are divided by & or ; and + is itself. */
function parseQuery(text: string, query: string): { own: Map<string, string>; others: string[] } {
  const own = new Map<string, string>();
  const others: string[] = [];
  for (const parameter of query.split(/[&;]/).filter(Boolean)) {
    const equals = parameter.indexOf('=');
    const key = (equals === -1 ? parameter : parameter.slice(0, equals)).toLowerCase();
    const value = equals === -1 ? '' : parameter.slice(equals + 1);
    if (CLIENT_PARAMETERS.has(key)) {
      own.set(key, parameterValue(text, key, decode(text, value)));
      continue;
    }
    const meant = nearest(key, CLIENT_PARAMETERS);
    if (meant) throw invalid(text, `has the parameter '${key}'`, `Did you mean '${meant}'?`);
    others.push(parameter);
  }
  return { own, others };
}

function parameterValue(text: string, key: string, value: string): string {
  if (SWITCHES.includes(key)) {
    if (!/^[+-]?\d+$/.test(value)) throw invalid(text, `has ${key}='${value}'`, `Write ${key}=1 or ${key}=0`);
  } else if (key === 'auth') {
    if (!/^(none|polkit|sasl(\.[\w-]+)?)$/i.test(value)) {
      throw invalid(text, `has auth='${value}'`, 'auth is none, polkit, sasl, or a mechanism: auth=sasl.SCRAM-SHA-256');
    }
  } else if (key !== 'name' && (value === '' || value.includes('\0'))) {
    throw invalid(text, `has no value for ${key}`, `Write ${key}=VALUE, or leave it out`);
  }
  return value;
}

function decode(text: string, value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    throw invalid(text, 'has a broken % escape', 'Write % itself as %25');
  }
}

const invalid = (text: string, what: string, remedy: string): LibvirtCanonicalError =>
  new LibvirtCanonicalError('URI_INVALID', `the connection URI '${shownUri(text)}' ${what}`, { remedy });

/** A URI as a message may show it: a password that somebody wrote into it, in whatever wrong place, is not for logs. */
export function shownUri(text: string): string {
  return text
    .replace(/:(?!\/\/).*@/s, ':***@')
    .replace(/^([^:]*:\/\/[^/?#:[]*):(?!\d*(?:[/?#]|$)|\*\*\*@)[^/?#]*/s, '$1:***');
}
