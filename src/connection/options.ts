import { LibvirtCanonicalError } from '../errors.js';
import type { CredentialsCallback } from './auth/credentials.js';
import type { KeepAliveOptions } from './keepalive.js';

/** Options of `connect`. */
export interface ConnectOptions {
  /** Gives up connecting. Has no effect on the connection once it is open. */
  readonly signal?: AbortSignal | undefined;
  /** Deadline of each call in milliseconds, time in the queue included; 0 or Infinity for none. Default 30 000. */
  readonly callTimeout?: number | undefined;
  /**
   * Pings a silent daemon, and lets the daemon ping us: a peer that is gone is noticed within `interval` × (`count` + 1).
   * Default `{ interval: 5000, count: 5 }`, as virsh. `false` for neither; then a program may also stop for long.
   */
  readonly keepAlive?: Partial<KeepAliveOptions> | false | undefined;
  /**
   * Calls on the wire at a time, the rest waits in this program. Default 4. The daemon stops reading a client that has
   * `max_client_requests` (5) unanswered, keepalive included, so raise both or neither. Low-priority calls leave one
   * of these slots to high-priority ones.
   */
  readonly maxInFlight?: number | undefined;
  /**
   * What to do when the socket is lost: open another, by default, as {@link ReconnectOptions} says, and go on. `false`:
   * the connection ends with its socket.
   */
  readonly reconnect?: Partial<ReconnectOptions> | false | undefined;
  /** VIR_CONNECT_RO: the daemon refuses whatever changes anything. Default false. */
  readonly readonly?: boolean | undefined;
  /**
   * `'refuse'` (default): calls that give a domain another document are refused before they are sent.
   * `'allow'` is for tools that have to define again, such as migrations from another manager.
   */
  readonly redefine?: 'refuse' | 'allow' | undefined;
  /**
   * Folder in which the daemon keeps the logs of its domains (`NAME.log`), as this machine sees it. Default: libvirt's own
   * for the system's daemon and for the user's; none for a socket elsewhere or another machine.
   */
  readonly logDirectory?: string | undefined;
  /**
   * Asked for user and password when the daemon wants SASL and neither the URI nor libvirt's auth.conf has them; asked
   * again at each reconnect.
   */
  readonly credentials?: CredentialsCallback | undefined;
  /**
   * `'allow'` lets `qemu+tcp://` connect, which neither encrypts nor authenticates: whoever can reach the wire reads and
   * changes all of it. Default `'refuse'`.
   */
  readonly insecure?: 'refuse' | 'allow' | undefined;
}

/** How a connection that lost its socket opens another. */
export interface ReconnectOptions {
  /** Attempts before the connection ends for good. Default 10, with the other defaults some 26 seconds. */
  readonly attempts: number;
  /** Milliseconds before the first attempt; doubled before each further one. Default 100. */
  readonly delay: number;
  /** Longest pause, in milliseconds. A socket that lived as long, or carried an answer, starts the count of attempts anew. Default 5000. */
  readonly maxDelay: number;
}

/** {@link ConnectOptions} checked and with the defaults in place. */
export interface ResolvedOptions {
  readonly signal: AbortSignal | undefined;
  readonly callTimeout: number;
  readonly keepAlive: KeepAliveOptions | undefined;
  readonly maxInFlight: number;
  readonly reconnect: ReconnectOptions | undefined;
  readonly readonly: boolean;
  readonly redefine: 'refuse' | 'allow';
  readonly logDirectory: string | undefined;
  readonly credentials: CredentialsCallback | undefined;
  readonly insecure: 'refuse' | 'allow';
}

/** Fills in the defaults. Throws ARGUMENT_INVALID. */
export function resolveOptions(options: ConnectOptions = {}): ResolvedOptions {
  const { callTimeout = 30_000, maxInFlight = 4, redefine = 'refuse', keepAlive = {}, reconnect = {} } = options;
  const { credentials, insecure = 'refuse' } = options;
  check(callTimeout >= 0, 'callTimeout', 'must be a number of milliseconds, 0 or Infinity');
  check(Number.isInteger(maxInFlight) && maxInFlight >= 1, 'maxInFlight', 'must be a positive integer');
  check(redefine === 'refuse' || redefine === 'allow', 'redefine', "must be 'refuse' or 'allow'");
  check(insecure === 'refuse' || insecure === 'allow', 'insecure', "must be 'refuse' or 'allow'");
  check(credentials === undefined || typeof credentials === 'function', 'credentials', 'must be a function');
  return {
    signal: options.signal,
    callTimeout,
    keepAlive: keepAlive === false ? undefined : resolveKeepAlive(keepAlive),
    maxInFlight,
    reconnect: reconnect === false ? undefined : resolveReconnect(reconnect),
    readonly: options.readonly ?? false,
    redefine,
    logDirectory: options.logDirectory,
    credentials,
    insecure,
  };
}

function resolveKeepAlive({ interval = 5_000, count = 5 }: Partial<KeepAliveOptions>): KeepAliveOptions {
  check(interval > 0 && interval <= 0x7fffffff, 'keepAlive.interval', 'must be a positive number of milliseconds');
  check(Number.isInteger(count) && count >= 0, 'keepAlive.count', 'must be an integer of 0 or more');
  return { interval, count };
}

function resolveReconnect({
  attempts = 10,
  delay = 100,
  maxDelay = 5_000,
}: Partial<ReconnectOptions>): ReconnectOptions {
  const whole = Number.isInteger(attempts) || attempts === Number.POSITIVE_INFINITY;
  check(whole && attempts >= 1, 'reconnect.attempts', 'must be a positive integer or Infinity');
  check(delay >= 0 && delay <= 0x7fffffff, 'reconnect.delay', 'must be a number of milliseconds');
  check(maxDelay >= delay && maxDelay <= 0x7fffffff, 'reconnect.maxDelay', 'must be milliseconds, `delay` or more');
  return { attempts, delay, maxDelay };
}

function check(good: boolean, path: string, what: string): void {
  if (!good) throw new LibvirtCanonicalError('ARGUMENT_INVALID', `${path} ${what}`, { path });
}
