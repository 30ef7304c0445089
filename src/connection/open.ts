import { AbortedError, LibvirtCanonicalError } from '../errors.js';
import { authenticate } from './auth/auth.js';
import type { CredentialSources } from './auth/credentials.js';
import { Caller, type CallNumbers, type CallOptions } from './caller.js';
import { CallAbortedError, CallTimeoutError, ConnectionLostError, LibvirtError } from './errors.js';
import { EventRouter } from './events/events.js';
import { VIR_CONNECT_RO } from './generated/constants.js';
import type { ResolvedOptions } from './options.js';
import type { CloseReason } from './pending-call.js';
import { Rpc } from './rpc.js';
import { Session } from './session.js';
import type { Link } from './transports/link.js';
import { Program } from './wire/message.js';
import { XdrReader } from './wire/xdr.js';

/** Features of the daemon asked for at opening, by their numbers in the protocol. */
const FEATURE = { PROGRAM_KEEPALIVE: 10, REMOTE_EVENT_CALLBACK: 14, REMOTE_CLOSE_CALLBACK: 15 } as const;
/** CONNECT_EVENT_CONNECTION_CLOSED: a proxy daemon lost the driver daemon behind it. */
const CONNECTION_CLOSED_EVENT = 362;
/** virConnectCloseReason by number. */
const CLOSE_REASONS: readonly CloseReason[] = ['error', 'eof', 'keepalive', 'client'];

/** What to open over a link. */
export interface OpenTarget extends CredentialSources {
  readonly link: Link;
  readonly options: ResolvedOptions;
  readonly numbers: CallNumbers;
}

/** Opens a libvirt connection over any link. Every step is awaited: the daemon runs pipelined calls in no order. */
export async function openSession(target: OpenTarget): Promise<Session> {
  const { link, options, numbers } = target;
  const { name, where, protection } = link;
  let session: Session | undefined;
  const rpc = new Rpc(link.stream, {
    maxInFlight: options.maxInFlight,
    framesApart: protection === 'tls' || protection === 'tls-unverified',
    onMessage: (message) => {
      if (message.program === Program.REMOTE && message.procedure === CONNECTION_CLOSED_EVENT) {
        rpc.end({ reason: CLOSE_REASONS[new XdrReader(message.payload).int()] ?? 'error' });
      } else {
        events.deliver(message);
      }
    },
    onClosed: (end) => {
      events.end();
      session?.onEnd(end);
    },
  });
  const caller = new Caller(rpc, options.callTimeout, numbers);
  const events = new EventRouter(caller);
  const call: CallOptions = options.signal ? { signal: options.signal } : {};
  const supports = async (feature: number): Promise<boolean> =>
    (await caller.call('CONNECT_SUPPORTS_FEATURE', { feature }, call)).supported === 1;

  try {
    await authenticate(caller, call, { ...target, protection, where });
    // Asking for it is what makes the daemon ping us.
    if (options.keepAlive && (await supports(FEATURE.PROGRAM_KEEPALIVE))) rpc.startKeepAlive(options.keepAlive);
    await caller.call('CONNECT_OPEN', { name, flags: options.readonly ? VIR_CONNECT_RO : 0 }, call);
    const eventCallbacks = await supports(FEATURE.REMOTE_EVENT_CALLBACK);
    if (await supports(FEATURE.REMOTE_CLOSE_CALLBACK)) await caller.call('CONNECT_REGISTER_CLOSE_CALLBACK', {}, call);
    const { lib_ver } = await caller.call('CONNECT_GET_LIB_VERSION', {}, call);
    const libvirtVersion = versionText(lib_ver);
    caller.libvirtVersion = libvirtVersion;
    const hypervisorVersion = versionText(await hypervisorVersionOf(caller, call));
    // Empty: the daemon chose.
    const uri = target.uri.text || name || (await caller.call('CONNECT_GET_URI', {}, call)).uri;
    session = new Session({ rpc, caller, events, uri, libvirtVersion, hypervisorVersion, eventCallbacks });
    return session;
  } catch (error) {
    rpc.end({ reason: 'client' });
    await rpc.released;
    throw openingError(error, link);
  }
}

/** What a failure of a call means when it happens at opening. */
function openingError(error: unknown, { where, ifSilent }: Link): unknown {
  if (error instanceof CallAbortedError) return new AbortedError('connecting', error.cause);
  if (error instanceof CallTimeoutError) {
    return new LibvirtCanonicalError('DAEMON_UNREACHABLE', `${where} took the connection, but does not answer`, {
      cause: error,
      remedy: ifSilent,
    });
  }
  if (!(error instanceof ConnectionLostError)) return error;
  const violation = error.cause;
  if (violation instanceof LibvirtCanonicalError) return violation;
  return new LibvirtCanonicalError('DAEMON_UNREACHABLE', `${where} hung up while the connection was opened`, {
    cause: error,
    remedy: 'The log of the libvirt daemon says why; it may have too many clients (max_clients)',
  });
}

/** Versions come as major × 1 000 000 + minor × 1 000 + release. */
function versionText(version: bigint): string {
  return `${version / 1_000_000n}.${(version / 1_000n) % 1_000n}.${version % 1_000n}`;
}

async function hypervisorVersionOf(caller: Caller, call: CallOptions): Promise<bigint> {
  try {
    return (await caller.call('CONNECT_GET_VERSION', {}, call)).hv_ver;
  } catch (error) {
    // A host without a QEMU binary still has domains to list.
    if (error instanceof LibvirtError) return 0n;
    throw error;
  }
}
