import { LibvirtCanonicalError } from '../errors.js';
import { type CallSubject, callChannel, subjectOf } from './diagnostics.js';
import { errorOf, LibvirtError } from './errors.js';
import { type AnyProcedure, encodeCall, type ProcedureArgs, type ProcedureResult, procedureOf } from './procedures.js';
import type { Rpc } from './rpc.js';
import { XdrReader } from './xdr.js';

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
  /** For the record, where the arguments do not name the domain. */
  readonly subject?: CallSubject;
  /** Gets the result in the turn in which the reply is parsed, before anything behind it in the same chunk. */
  readonly onResult?: (result: ProcedureResult<P>) => void;
}

let connections = 0;

/** Turns procedures into requests and outcomes into results: codec, record, errors. */
export class Caller {
  readonly id = ++connections;
  readonly #rpc: Rpc;
  /** Default deadline of a call in milliseconds. */
  readonly timeout: number;
  #calls = 0;
  /** Set once the daemon told it. */
  libvirtVersion: string | undefined;

  constructor(rpc: Rpc, timeout: number) {
    this.#rpc = rpc;
    this.timeout = timeout;
  }

  // An async function on purpose: errors made after the await carry the stack of the caller.
  async call<P extends AnyProcedure>(
    name: P,
    args: ProcedureArgs<P>,
    options: InternalCallOptions<P> = {},
  ): Promise<ProcedureResult<P>> {
    const procedure = procedureOf(name);
    const frame = encodeCall(procedure, args);
    const decode = (payload: Buffer) => procedure.result.read(new XdrReader(payload)) as ProcedureResult<P>;
    const { onResult, signal, timeout = this.timeout } = options;
    const domain = options.subject ?? subjectOf(args);
    const record = { connection: this.id, call: ++this.#calls, procedure: name, ...(domain && { domain }) };
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
      error = new LibvirtCanonicalError('PROTOCOL_VIOLATION', `the reply to ${name} could not be read`, { cause });
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
