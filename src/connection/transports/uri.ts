import { LibvirtCanonicalError } from '../../errors.js';

/** Which daemon's socket to take: `direct` virtqemud, `legacy` libvirtd or virtproxyd, `auto` whichever is there. */
export type SocketMode = 'auto' | 'direct' | 'legacy';

/** A libvirt URI, taken apart. */
export interface ConnectionUri {
  /** As given. */
  readonly text: string;
  /** The hypervisor driver, e.g. `qemu`; '' if the daemon is to choose. */
  readonly driver: string;
  readonly transport: string;
  /** `/system` or `/session`, as a rule. */
  readonly path: string;
  readonly socket: string | undefined;
  readonly mode: SocketMode;
  /** What CONNECT_OPEN is told: no transport, no host, none of the client's own parameters. */
  readonly name: string;
}

/** Parameters that libvirt's client keeps to itself; names in any case. All others are the driver's. */
const CLIENT_PARAMETERS = new Set([
  'name', 'command', 'socket', 'auth', 'sshauth', 'netcat', 'keyfile', 'pkipath', 'known_hosts', 'known_hosts_verify',
  'tls_priority', 'mode', 'proxy', 'no_sanity', 'no_verify', 'no_tty', 'authfile',
]); // biome-ignore format: a list of words

const TRANSPORTS = new Set(['unix', 'tls', 'tcp', 'ssh', 'libssh', 'libssh2', 'ext']);
const SHAPE = /^([a-z][a-z0-9.-]*)(?:\+([a-z0-9]+))?:(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#.*)?$/i;

/**
 * Takes a URI apart as libvirt does. `URL` does not serve: it turns + into a space, keeps brackets and throws on URIs
 * that libvirt knows. Throws URI_INVALID with what to write instead.
 */
export function parseUri(text: string): ConnectionUri {
  if (text === '') return { text, driver: '', transport: 'unix', path: '', socket: undefined, mode: 'auto', name: '' };
  const [, scheme = '', transportName, authority = '', path = '', query = ''] = SHAPE.exec(text) ?? [];
  if (!scheme) throw invalid(text, 'is not a URI', 'Write e.g. qemu:///system');
  const driver = scheme.toLowerCase();
  if ((authority === 'system' || authority === 'session') && path === '') {
    throw invalid(text, `names a host '${authority}'`, `A slash is missing: write ${text.replace('://', ':///')}`);
  }
  const transport = transportName?.toLowerCase() ?? (authority === '' ? 'unix' : 'tls');
  if (!TRANSPORTS.has(transport))
    throw invalid(text, `has an unknown transport '${transport}'`, 'Write e.g. qemu+unix:///system');
  if (transport === 'unix' && authority !== '') {
    throw invalid(text, 'has a host, but a unix socket is on this machine', 'Leave the host out: qemu+unix:///system');
  }
  const { own, others } = parseQuery(text, query);
  const mode = own.get('mode') ?? 'auto';
  if (mode !== 'auto' && mode !== 'direct' && mode !== 'legacy') {
    throw invalid(text, `has mode '${mode}'`, 'mode is auto, direct or legacy');
  }
  const rest = others.length > 0 ? `?${others.join('&')}` : '';
  const name = own.get('name') ?? (driver === 'remote' ? '' : `${driver}://${path}${rest}`);
  return { text, driver: driver === 'remote' ? '' : driver, transport, path, socket: own.get('socket'), mode, name };
}

/** Parameters are divided by & or ; and + is itself. */
function parseQuery(text: string, query: string): { own: Map<string, string>; others: string[] } {
  const own = new Map<string, string>();
  const others: string[] = [];
  for (const parameter of query.split(/[&;]/).filter(Boolean)) {
    const equals = parameter.indexOf('=');
    const key = (equals === -1 ? parameter : parameter.slice(0, equals)).toLowerCase();
    if (CLIENT_PARAMETERS.has(key)) own.set(key, decode(text, equals === -1 ? '' : parameter.slice(equals + 1)));
    else others.push(parameter);
  }
  return { own, others };
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

/** A URI as a message may show it: a password that somebody wrote into it is not for logs. */
export function shownUri(text: string): string {
  return text.replace(/:(?!\/\/).*@/s, ':***@');
}
