import { DomainAccess } from '../apply/index.js';
import { type CallOptions, type Connection, connect, LibvirtError } from '../connection/index.js';
import { uuidOf } from '../domain/index.js';
import { AbortedError, LibvirtCanonicalError } from '../errors.js';
import { checkOptions, MILLISECONDS, SIGNAL } from '../options.js';
import { type DomainState, stateOf } from '../power/index.js';

/** A host to ask: an open connection, a manager over one, or a URI to connect to for the question. */
export type AskedHost = string | Connection | { readonly connection: Connection };

/** Options of {@link findRunning}. */
export interface FindRunningOptions {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds that each host has to answer. Default 10,000. */
  readonly timeout?: number;
}

/** A domain on one host. */
export interface SeenDomain {
  /** URI of the host. */
  readonly host: string;
  readonly name: string;
  readonly state: DomainState;
}

/** Where a domain is, as far as the hosts answered. */
export interface WhereRunning {
  readonly uuid: string;
  /** Hosts on which a QEMU has the domain, paused ones included. */
  readonly running: readonly SeenDomain[];
  /** Hosts that have it, shut off. */
  readonly off: readonly SeenDomain[];
  /** URIs of hosts that do not have it. */
  readonly absent: readonly string[];
  /** Hosts that could not be asked. It may run there. */
  readonly unknown: readonly { readonly host: string; readonly error: unknown }[];
}

/** A domain runs on another host, or may. `code` is `DOMAIN_RUNNING_ELSEWHERE`. */
export class RunningElsewhereError extends LibvirtCanonicalError {
  override readonly name = 'RunningElsewhereError';
  readonly where: WhereRunning;
  constructor(where: WhereRunning) {
    const runs = where.running.map(({ host, name, state }) => `${name} is ${state} on ${host}`);
    const asked = where.unknown.map(({ host, error }) => `${host} could not be asked (${messageOf(error)})`);
    super('DOMAIN_RUNNING_ELSEWHERE', `domain ${where.uuid}: ${[...runs, ...asked].join('; ')}`, {
      remedy:
        runs.length > 0
          ? 'Two of one domain destroy its disks: stop it there first'
          : "Make sure that those hosts are off, fence them, and then say unknownHosts: 'accept'",
    });
    this.where = where;
  }
}

/**
 * Asks hosts whether a domain runs there, all at once. Hosts that do not answer are told apart from those that do not have
 * it. Nothing is changed. virDomainLookupByUUID, virDomainGetState.
 *
 * @example
 * const { running, unknown } = await findRunning(uuid, ['qemu+ssh://a/system', 'qemu+ssh://b/system']);
 */
export async function findRunning(
  uuid: string,
  hosts: readonly AskedHost[],
  options: FindRunningOptions = {},
): Promise<WhereRunning> {
  checkOptions<FindRunningOptions>('findRunning', options, { signal: SIGNAL, timeout: MILLISECONDS });
  const id = uuidOf(uuid, 'uuid');
  const { signal, timeout = 10_000 } = options;
  const seen = await Promise.all(
    hosts.map(async (host) => {
      const late = AbortSignal.timeout(timeout);
      const call = { signal: signal ? AbortSignal.any([signal, late]) : late };
      try {
        return { host: nameOf(host), domain: await ask(id, host, call) };
      } catch (error) {
        if (signal?.aborted) throw new AbortedError('looking for a running domain', signal.reason);
        const why = late.aborted ? new Error(`no answer within ${timeout} ms`, { cause: error }) : error;
        return { host: nameOf(host), error: why };
      }
    }),
  );
  const domains = seen.flatMap(({ host, domain }) => (domain ? [{ host, ...domain }] : []));
  const isOff = ({ state }: SeenDomain) => state === 'shutoff' || state === 'crashed';
  return {
    uuid: id,
    running: domains.filter((each) => !isOff(each)),
    off: domains.filter(isOff),
    absent: seen.flatMap((each) => ('error' in each || each.domain ? [] : [each.host])),
    unknown: seen.flatMap((each) => ('error' in each ? [{ host: each.host, error: each.error }] : [])),
  };
}

/** The guard against two of one domain. */
export interface ElsewhereOptions {
  /** Hosts on which the domain may run. It is refused when it does: `DOMAIN_RUNNING_ELSEWHERE`. */
  readonly hosts?: readonly AskedHost[];
  /** What to do about a host that cannot be asked: `refuse` (default), or `accept` that it may run there. */
  readonly unknownHosts?: 'refuse' | 'accept';
}

/** Rejects with {@link RunningElsewhereError} when a domain runs on one of the hosts, or may. */
export async function assertNotRunningElsewhere(
  uuid: string,
  { hosts = [], unknownHosts = 'refuse' }: ElsewhereOptions,
  options: FindRunningOptions,
): Promise<void> {
  const where = await findRunning(uuid, hosts, options);
  if (where.running.length > 0 || (unknownHosts === 'refuse' && where.unknown.length > 0))
    throw new RunningElsewhereError(where);
}

async function ask(uuid: string, host: AskedHost, call: CallOptions): Promise<Omit<SeenDomain, 'host'> | undefined> {
  if (typeof host === 'string') {
    await using connection = await connect(host, { signal: call.signal });
    return await ask(uuid, connection, call);
  }
  const connection = 'connection' in host ? host.connection : host;
  try {
    const { dom } = await connection.call('DOMAIN_LOOKUP_BY_UUID', { uuid }, call);
    const { state } = await stateOf(new DomainAccess(connection, dom), call);
    return { name: dom.name, state };
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

/** Not there, or gone between the two questions. */
function isGone(error: unknown): boolean {
  return (
    (error instanceof LibvirtError && error.errorName === 'VIR_ERR_NO_DOMAIN') ||
    (error instanceof LibvirtCanonicalError && error.code === 'DOMAIN_NOT_FOUND')
  );
}

function nameOf(host: AskedHost): string {
  return typeof host === 'string' ? host : 'connection' in host ? host.connection.uri : host.uri;
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
