import { type Channel, channel } from 'node:diagnostics_channel';

/** What the channels of {@link METHOD_TRACE} publish: a method of a domain or of a manager. Arguments and results are never in it. */
export interface MethodTrace {
  /** `ManagedDomain.apply`, `DomainManager.define`, `GuestAgent.freeze`. */
  readonly method: string;
  /** The domain whose method it is. */
  readonly domain?: { readonly name: string; readonly uuid: string };
  /** What it ended in, from `error` on. */
  error?: unknown;
}

/** What the channels of {@link CALL_TRACE} publish: one call of libvirt's. Arguments and results are never in it. */
export interface CallTrace {
  /** libvirt's name of it, without REMOTE_PROC_: `DOMAIN_ATTACH_DEVICE_FLAGS`. */
  readonly procedure: string;
  /** Counts the connections of this process. */
  readonly connection: number;
  readonly domain?: { readonly name?: string; readonly uuid?: string };
  error?: unknown;
}

/** Name for `diagnostics_channel.tracingChannel` of the methods of domains and managers, each with all that it does inside. */
export const METHOD_TRACE = 'libvirt-canonical:method';
/** Name for `diagnostics_channel.tracingChannel` of the calls that go to a daemon. */
export const CALL_TRACE = 'libvirt-canonical:call';

/** The five channels that Node's TracingChannel of a name is made of. */
export class Trace<Context extends { error?: unknown }> {
  readonly #channels: Readonly<Record<'start' | 'end' | 'asyncStart' | 'asyncEnd' | 'error', Channel>>;

  constructor(name: string) {
    const of = (event: string) => channel(`tracing:${name}:${event}`);
    this.#channels = {
      start: of('start'),
      end: of('end'),
      asyncStart: of('asyncStart'),
      asyncEnd: of('asyncEnd'),
      error: of('error'),
    };
  }

  /**
   * Runs some work and tells of it as `TracingChannel.tracePromise` does, but for the result, which may hold secrets. Costs
   * nothing but a look when nobody listens.
   */
  promise<T>(context: () => Context, work: () => Promise<T>): Promise<T> {
    const { start, end, asyncStart, asyncEnd, error } = this.#channels;
    if (!(start.hasSubscribers || asyncEnd.hasSubscribers || error.hasSubscribers)) return work();
    const told = context();
    const settled = () => {
      asyncStart.publish(told);
      asyncEnd.publish(told);
    };
    // What is bound to `start`, such as a span, is there for all that the work does.
    return start.runStores(told, () => {
      const promise = work();
      end.publish(told);
      return promise.then(
        (value) => {
          settled();
          return value;
        },
        (cause) => {
          told.error = cause;
          error.publish(told);
          settled();
          throw cause;
        },
      );
    });
  }
}

export const methodTrace = new Trace<MethodTrace>(METHOD_TRACE);
export const callTrace = new Trace<CallTrace>(CALL_TRACE);
