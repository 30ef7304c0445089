import { LibvirtCanonicalError } from '../errors.js';
import {
  BOOLEAN,
  CALLBACK,
  COUNT,
  checkOptions,
  group,
  MILLISECONDS,
  NUMBER,
  OBJECT,
  type OptionTable,
  or,
  SIGNAL,
  shown,
  TEXT,
  words,
} from '../options.js';
import type { CallOptions } from './caller.js';
import type { SubscribeOptions } from './events/event-classes.js';
import type { KeepAliveOptions } from './keepalive.js';
import type { ConnectOptions, ReconnectOptions } from './options.js';

const CONNECT: OptionTable<ConnectOptions> = {
  signal: SIGNAL,
  callTimeout: MILLISECONDS,
  keepAlive: or(group<Partial<KeepAliveOptions>>({ interval: NUMBER, count: NUMBER }), false),
  maxInFlight: COUNT,
  reconnect: or(group<Partial<ReconnectOptions>>({ attempts: NUMBER, delay: NUMBER, maxDelay: NUMBER }), false),
  readonly: BOOLEAN,
  redefine: words('refuse', 'allow'),
  logDirectory: TEXT,
  credentials: CALLBACK,
  insecure: words('refuse', 'allow'),
};

const CALL: OptionTable<CallOptions> = { signal: SIGNAL, timeout: MILLISECONDS };

const SUBSCRIBE: OptionTable<SubscribeOptions> = {
  domain: OBJECT,
  network: OBJECT,
  storagePool: OBJECT,
  nodeDevice: OBJECT,
  secret: OBJECT,
  monitorEvent: TEXT,
  signal: SIGNAL,
  queue: COUNT,
};

/** Checks the arguments of `connect`: URI_INVALID for a URI that is not a text, ARGUMENT_INVALID for the options. */
export function checkConnect(uri: unknown, options: unknown): void {
  if (uri !== undefined && typeof uri !== 'string')
    throw new LibvirtCanonicalError('URI_INVALID', `connect: the URI must be a text, got ${shown(uri)}`, {
      path: 'uri',
      remedy: OBJECT.fits(uri)
        ? 'Options come second: connect(undefined, options) for the default URI'
        : "Give one such as 'qemu:///system', or none for the default",
    });
  checkOptions('connect', options, CONNECT);
}

/** Checks the options of a call. */
export function checkCallOptions(options: unknown): void {
  checkOptions('call', options, CALL);
}

/** Checks the options of a subscription. */
export function checkSubscribeOptions(options: unknown): void {
  checkOptions('subscribe', options, SUBSCRIBE);
}
