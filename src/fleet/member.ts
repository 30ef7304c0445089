import { type CallOptions, type Connection, connect } from '../connection/index.js';
import { AbortedError, LibvirtCanonicalError } from '../errors.js';
import { fired } from '../fired.js';
import type { HostFiles } from '../host/index.js';
import type { FleetHostSpec, HostLabels, HostMigration } from './hosts.js';

/** What a host answered to a question, or that it did not. */
export type Answer<T> =
  | { readonly is: 'answered'; readonly value: T }
  | { readonly is: 'silent'; readonly why: string; readonly error: unknown };

/** One host of a fleet. It is connected to when it is asked something, and anew when that connection has ended for good. */
export class Member {
  readonly name: string;
  readonly uri: string;
  readonly labels: HostLabels;
  readonly migration: HostMigration;
  readonly files: HostFiles | undefined;
  readonly #spec: FleetHostSpec;
  readonly #timeout: number;
  readonly #over = new AbortController();
  #connection: Promise<Connection> | undefined;

  constructor(name: string, spec: FleetHostSpec, timeout: number) {
    this.name = name;
    this.uri = spec.uri;
    this.labels = spec.labels ?? {};
    this.migration = spec.migration ?? {};
    this.files = spec.files;
    this.#spec = spec;
    this.#timeout = timeout;
  }

  /** An open connection, one for all who ask. Errors as `connect`, and `CONNECTION_CLOSED` when the fleet was closed. */
  async connection(): Promise<Connection> {
    if (this.#over.signal.aborted) throw new LibvirtCanonicalError('CONNECTION_CLOSED', 'the fleet was closed');
    this.#connection ??= this.#open();
    return this.#connection;
  }

  /**
   * Asks the host something within its time. A host that cannot be connected to, that refuses or that does not answer is
   * silent, and never an error; rejects with `ABORTED` and `CONNECTION_CLOSED` only.
   */
  async ask<T>(
    question: (connection: Connection, call: CallOptions) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<Answer<T>> {
    // Not AbortSignal.timeout, which keeps what was answered in memory until the time is over.
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(new Error('too late')), this.#timeout);
    const given = signal ? AbortSignal.any([signal, late.signal]) : late.signal;
    try {
      const answer = this.connection().then((connection) => question(connection, { signal: given }));
      const first = await Promise.race([answer.then((value) => ({ value })), fired(given)]);
      if (first) return { is: 'answered', value: first.value };
      throw new AbortedError(`a question to ${this.name}`, given.reason);
    } catch (error) {
      if (signal?.aborted) throw new AbortedError(`a question to ${this.name}`, signal.reason);
      if (this.#over.signal.aborted || !(error instanceof LibvirtCanonicalError)) throw error;
      const why = error.code === 'ABORTED' ? `no answer within ${this.#timeout} ms` : error.message;
      return { is: 'silent', why, error };
    } finally {
      clearTimeout(timer);
    }
  }

  async close(): Promise<void> {
    this.#over.abort();
    const open = await this.#connection?.catch(() => undefined);
    await open?.close();
  }

  async #open(): Promise<Connection> {
    try {
      const signal = AbortSignal.any([this.#over.signal, AbortSignal.timeout(this.#timeout)]);
      const connection = await connect(this.uri, { ...this.#spec.connect, signal });
      void connection.closed.then(() => {
        this.#connection = undefined;
      });
      return connection;
    } catch (error) {
      this.#connection = undefined;
      throw error;
    }
  }
}
