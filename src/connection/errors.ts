import { AbortedError, type ErrorDetails, LibvirtCanonicalError } from '../errors.js';
import { VIR_ERR, VIR_FROM } from './generated/error-names.js';
import type { DomainHandle } from './generated/protocol-types.js';
import type { Closed, Outcome } from './pending-call.js';
import type { AnyProcedure, Procedure } from './procedures.js';
import { codecOf } from './wire/codec.js';
import { XdrReader } from './wire/xdr.js';

/** The name of a libvirt error code, e.g. `VIR_ERR_NO_DOMAIN`. */
export type LibvirtErrorName = keyof typeof VIR_ERR;
/** The name of the part of libvirt that raised an error, e.g. `VIR_FROM_QEMU`. */
export type LibvirtErrorDomainName = keyof typeof VIR_FROM;

const invert = <K extends string>(record: Record<K, number>): ReadonlyMap<number, K> =>
  new Map(Object.entries(record).map(([name, value]) => [value as number, name as K]));
const ERROR_NAMES = invert(VIR_ERR);
const DOMAIN_NAMES = invert(VIR_FROM);

/** remote_error as it comes over the wire. */
interface WireError {
  readonly code: number;
  readonly domain: number;
  readonly message: string | null;
  readonly level: number;
  readonly dom: DomainHandle | null;
  readonly str1: string | null;
  readonly str2: string | null;
  readonly str3: string | null;
  readonly int1: number;
  readonly int2: number;
}

/**
 * libvirt answered a call with an error; nothing of it is left out but a document that it quotes. Decide on `errorCode` or `errorName`, never on the
 * text: libvirt translates it and changes it between versions. `code` is `LIBVIRT`.
 */
export class LibvirtError extends LibvirtCanonicalError {
  override readonly name = 'LibvirtError';
  /** The procedure that failed. */
  readonly procedure: AnyProcedure;
  /** virErrorNumber, e.g. 42. */
  readonly errorCode: number;
  /** Its name, e.g. `VIR_ERR_NO_DOMAIN`; undefined for a code newer than this library. */
  readonly errorName: LibvirtErrorName | undefined;
  /** virErrorDomain, e.g. 10. */
  readonly errorDomain: number;
  /** Its name, e.g. `VIR_FROM_QEMU`; undefined for one newer than this library. */
  readonly errorDomainName: LibvirtErrorDomainName | undefined;
  /** virErrorLevel: 1 warning, 2 error. */
  readonly level: number;
  /** libvirt's own text, untouched. */
  readonly libvirtMessage: string;
  readonly str1: string | null;
  readonly str2: string | null;
  readonly str3: string | null;
  readonly int1: number;
  readonly int2: number;

  constructor(procedure: AnyProcedure, error: WireError, details: ErrorDetails = {}) {
    const name = ERROR_NAMES.get(error.code);
    const text = error.message ?? 'libvirt gave no reason';
    super('LIBVIRT', `${text} (${procedure}: ${name ?? `libvirt error ${error.code}`})`, details);
    this.procedure = procedure;
    this.errorCode = error.code;
    this.errorName = name;
    this.errorDomain = error.domain;
    this.errorDomainName = DOMAIN_NAMES.get(error.domain);
    this.level = error.level;
    this.libvirtMessage = text;
    this.str1 = error.str1;
    this.str2 = error.str2;
    this.str3 = error.str3;
    this.int1 = error.int1;
    this.int2 = error.int2;
  }
}

/** The same error with libvirt's texts rewritten; itself when that changes nothing. */
export function rewritten(error: LibvirtError, rewrite: (text: string) => string): LibvirtError {
  const text = (each: string | null) => each && rewrite(each);
  const message = rewrite(error.libvirtMessage);
  if (message === error.libvirtMessage) return error;
  const { errorCode: code, errorDomain: domain, level, int1, int2 } = error;
  const [str1, str2, str3] = [text(error.str1), text(error.str2), text(error.str3)];
  const wire = { code, domain, message, level, dom: null, str1, str2, str3, int1, int2 };
  return new LibvirtError(error.procedure, wire, error.domain === undefined ? {} : { domain: error.domain });
}

const outcomeOf = (procedure: AnyProcedure, sent: boolean): string =>
  sent ? `the outcome of ${procedure} is unknown` : `${procedure} was never sent and is safe to repeat`;

/** The connection ended before the reply came. With `sent: false` the daemon never saw the call. `code` is `CONNECTION_LOST`. */
export class ConnectionLostError extends LibvirtCanonicalError {
  override readonly name = 'ConnectionLostError';
  /** How the connection ended. */
  readonly reason: Closed['reason'];
  /** Whether the call had been sent, so that it may have taken effect. */
  readonly sent: boolean;
  /** The call concerned; undefined for a subscription. */
  readonly procedure: AnyProcedure | undefined;

  constructor(closed: Closed, sent: boolean, procedure?: AnyProcedure) {
    const what = procedure
      ? outcomeOf(procedure, sent)
      : 'events from now on are lost; subscribe again, then list again';
    super('CONNECTION_LOST', `the connection to libvirt ${CLOSED_TEXT[closed.reason]}; ${what}`, {
      cause: closed.error,
    });
    this.reason = closed.reason;
    this.sent = sent;
    this.procedure = procedure;
  }
}

const CLOSED_TEXT: Record<Closed['reason'], string> = {
  error: 'failed',
  eof: 'was ended by the daemon',
  keepalive: 'gave no sign of life and was given up',
  client: 'was closed by this program',
};

/** The connection was closed by this program before the call was sent. `code` is `CONNECTION_CLOSED`. */
export class ConnectionClosedError extends LibvirtCanonicalError {
  override readonly name = 'ConnectionClosedError';
  readonly procedure: AnyProcedure;
  readonly sent = false;

  constructor(procedure: AnyProcedure) {
    super('CONNECTION_CLOSED', `the connection is closed; ${outcomeOf(procedure, false)}`);
    this.procedure = procedure;
  }
}

/** No reply within the deadline. The call keeps its slot until the reply comes. `code` is `CALL_TIMEOUT`. */
export class CallTimeoutError extends LibvirtCanonicalError {
  override readonly name = 'CallTimeoutError';
  readonly procedure: AnyProcedure;
  /** The deadline that passed, in milliseconds. */
  readonly timeout: number;
  /** Whether the call had been sent, so that it may still take effect. */
  readonly sent: boolean;

  constructor(procedure: AnyProcedure, timeout: number, sent: boolean) {
    super('CALL_TIMEOUT', `no reply within ${timeout} ms; ${outcomeOf(procedure, sent)}`);
    this.procedure = procedure;
    this.timeout = timeout;
    this.sent = sent;
  }
}

/** The caller's `AbortSignal` fired during a call. `code` is `ABORTED`. */
export class CallAbortedError extends AbortedError {
  readonly procedure: AnyProcedure;
  /** Whether the call had been sent, so that it may still take effect. */
  readonly sent: boolean;

  constructor(procedure: AnyProcedure, sent: boolean, reason: unknown) {
    super(sent ? `${procedure} (sent, it may still take effect)` : `${procedure} (never sent)`, reason);
    this.procedure = procedure;
    this.sent = sent;
  }
}

/** What an error about a missing procedure needs to name both versions. */
export interface ErrorContext {
  readonly procedure: Procedure;
  readonly timeout: number;
  readonly domain?: string | undefined;
  /** libvirt's version, once known. */
  readonly libvirtVersion?: string | undefined;
}

/** The error of a call that did not end in a result. */
export function errorOf(outcome: Exclude<Outcome, { kind: 'ok' }>, context: ErrorContext): LibvirtCanonicalError {
  const { name } = context.procedure;
  switch (outcome.kind) {
    case 'error':
      return libvirtErrorOf(outcome.payload, context);
    case 'timeout':
      return new CallTimeoutError(name, context.timeout, outcome.sent);
    case 'aborted':
      return new CallAbortedError(name, outcome.sent, outcome.reason);
    case 'lost':
      return lossOf(name, outcome);
  }
}

/** The error of a call that the end of the connection left without an answer. */
export function lossOf(
  name: AnyProcedure,
  { closed, sent }: Omit<Extract<Outcome, { kind: 'lost' }>, 'kind'>,
): ConnectionLostError | ConnectionClosedError {
  return !sent && closed.reason === 'client'
    ? new ConnectionClosedError(name)
    : new ConnectionLostError(closed, sent, name);
}

/**
 * libvirt quotes the line of a document that it cannot parse, and points at a place in it (catchXMLError): below the first
 * line of the message, and in str2 and str3. The document is the caller's own and may hold a secret.
 */
function withoutDocument(error: WireError): WireError {
  if (error.code !== VIR_ERR.VIR_ERR_XML_DETAIL) return error;
  return { ...error, message: error.message?.split('\n', 1)[0] ?? null, str2: null, str3: null };
}

function libvirtErrorOf(payload: Buffer, { procedure, domain, libvirtVersion }: ErrorContext): LibvirtError {
  const wire = withoutDocument(codecOf('remote_error').read(new XdrReader(payload)) as WireError);
  const concerned = domain ?? wire.dom?.name;
  const details = concerned === undefined ? {} : { domain: concerned };
  // The one text libvirt's own client decides on too: how an older daemon answers a procedure it does not have.
  if (wire.code === VIR_ERR.VIR_ERR_RPC && /unknown procedure|Cannot find program/i.test(wire.message ?? '')) {
    const needed = procedure.since ? `libvirt ${procedure.since} or newer` : 'a newer libvirt';
    const found = libvirtVersion ? `, the daemon is ${libvirtVersion}` : '';
    const message = `${procedure.name} needs ${needed}${found}`;
    return new LibvirtError(procedure.name, { ...wire, code: VIR_ERR.VIR_ERR_NO_SUPPORT, message }, details);
  }
  return new LibvirtError(procedure.name, wire, details);
}
