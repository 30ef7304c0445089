import { LibvirtCanonicalError } from '../errors.js';
import { callTrace } from '../tracing.js';
import { type CallSubject, callChannel, subjectOf } from './diagnostics.js';
import { errorOf, LibvirtError } from './errors.js';
import type { PacketSink } from './pending-call.js';
import {
  type AnyProcedure,
  encodeCall,
  type Procedure,
  type ProcedureArgs,
  type ProcedureResult,
  procedureOf,
} from './procedures.js';
import type { Rpc } from './rpc.js';
import { XdrReader } from './wire/xdr.js';

/** Options of one call. */
export interface CallOptions {
  /** Gives the call up. If it was sent it may still take effect; the error says which. */
  readonly signal?: AbortSignal | undefined;
  /** Deadline in milliseconds, time in the queue included; 0 or Infinity for none. Default: `callTimeout` of the connection. */
  readonly timeout?: number | undefined;
}

/** What the connection adds to calls of its own. */
export interface InternalCallOptions<P extends AnyProcedure> extends CallOptions {
  readonly urgent?: boolean;
  /** Gets the result in the turn in which the reply is parsed, before anything behind it in the same chunk. */
  readonly onResult?: (result: ProcedureResult<P>) => void;
  readonly stream?: PacketSink;
}

/** Numbers the calls of one connection for the record, whatever socket they go over. */
export class CallNumbers {
  static #connections = 0;
  readonly connection = ++CallNumbers.#connections;
  #calls = 0;

  next(): number {
    return ++this.#calls;
  }
}

/** A call with its arguments encoded, so that what the caller does with them afterwards has no effect on it. */
export interface PreparedCall<P extends AnyProcedure> {
  readonly name: P;
  readonly procedure: Procedure;
  readonly frame: Buffer;
  /** For the record. */
  readonly domain: CallSubject | undefined;
}

/** Encodes a call. Throws ARGUMENT_INVALID. `subject` is for arguments that do not name the domain. */
export function prepare<P extends AnyProcedure>(
  name: P,
  args: ProcedureArgs<P>,
  subject?: CallSubject,
): PreparedCall<P> {
  const procedure = procedureOf(name);
  return { name, procedure, frame: encodeCall(procedure, args), domain: subject ?? subjectOf(args) };
}

/** Turns procedures into requests and outcomes into results: codec, record, errors. */
export class Caller {
  readonly #rpc: Rpc;
  readonly #numbers: CallNumbers;
  /** Default deadline of a call in milliseconds. */
  readonly timeout: number;
  /** Set once the daemon told it. */
  libvirtVersion: string | undefined;

  constructor(rpc: Rpc, timeout: number, numbers: CallNumbers) {
    this.#rpc = rpc;
    this.#numbers = numbers;
    this.timeout = timeout;
  }

  /** The number of the connection in records. */
  get connection(): number {
    return this.#numbers.connection;
  }

  // Async functions on purpose: errors made after the await carry the stack of the caller.
  async call<P extends AnyProcedure>(
    name: P,
    args: ProcedureArgs<P>,
    options: InternalCallOptions<P> = {},
  ): Promise<ProcedureResult<P>> {
    return await this.send(prepare(name, args), options);
  }

  send<P extends AnyProcedure>(
    prepared: PreparedCall<P>,
    options: InternalCallOptions<P> = {},
  ): Promise<ProcedureResult<P>> {
    const { name: procedure, domain } = prepared;
    const told = () => ({ procedure, connection: this.connection, ...(domain && { domain }) });
    return callTrace.promise(told, () => this.#send(prepared, options));
  }

  async #send<P extends AnyProcedure>(
    { name, procedure, frame, domain }: PreparedCall<P>,
    options: InternalCallOptions<P>,
  ): Promise<ProcedureResult<P>> {
    const decode = (payload: Buffer) => procedure.result.read(new XdrReader(payload)) as ProcedureResult<P>;
    const { onResult, signal, timeout = this.timeout } = options;
    const record = {
      connection: this.connection,
      call: this.#numbers.next(),
      procedure: name,
      ...(domain && { domain }),
    };
    const started = performance.now();
    if (callChannel.hasSubscribers) callChannel.publish({ phase: 'start', ...record });

    const outcome = await this.#rpc.request({
      program: procedure.program,
      procedure: procedure.number,
      priority: procedure.priority,
      frame,
      timeout,
      signal,
      urgent: options.urgent ?? false,
      stream: options.stream,
      onReply: onResult && ((payload) => onResult(decode(payload))),
    });

    let result: ProcedureResult<P> | undefined;
    let error: LibvirtCanonicalError | undefined;
    try {
      if (outcome.kind === 'ok') result = decode(outcome.payload);
      else {
        const { libvirtVersion } = this;
        error = errorOf(outcome, { procedure, timeout, domain: domain?.name, libvirtVersion });
      }
    } catch (cause) {
      // The frame was whole, so the connection is still in step; only this reply is lost.
      error = new LibvirtCanonicalError('PROTOCOL_VIOLATION', `the reply to ${name} could not be read`, {
        cause,
        remedy: 'The daemon has done it; read back what it led to, and report the reply',
      });
    }
    if (callChannel.hasSubscribers) {
      const durationMs = performance.now() - started;
      callChannel.publish({ phase: 'end', ...record, durationMs, sent: outcome.sent, ...errorRecord(error) });
    }
    if (error) throw error;
    return result as ProcedureResult<P>;
  }
}

function errorRecord(error: LibvirtCanonicalError | undefined): object {
  if (!error) return {};
  return error instanceof LibvirtError && error.errorName
    ? { error: error.code, errorName: error.errorName }
    : { error: error.code };
}
