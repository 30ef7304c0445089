import { AsyncLocalStorage } from 'node:async_hooks';
import { tracingChannel } from 'node:diagnostics_channel';
import { CALL_TRACE, type CallTrace, METHOD_TRACE, type MethodTrace } from 'libvirt-canonical';

/** As much of a span as this needs; those of OpenTelemetry have it. */
export interface Span {
  recordException(error: Error): void;
  end(): void;
}

/** Makes a span below a parent: for OpenTelemetry see docs/tracing.md. */
export interface Tracer {
  startSpan(name: string, attributes: Record<string, string>, parent: Span | undefined): Span;
}

const KINDS = [
  { channel: METHOD_TRACE, name: (context: MethodTrace & CallTrace) => context.method },
  { channel: CALL_TRACE, name: (context: MethodTrace & CallTrace) => `libvirt ${context.procedure}` },
];

/** Gives every method of the library and every call of libvirt's a span, each below the one it belongs to. Returns what ends it. */
export function useTracer(tracer: Tracer): () => void {
  const current = new AsyncLocalStorage<Span>();
  const spans = new WeakMap<object, Span>();
  const stops = KINDS.map(({ channel, name }) => {
    const tracing = tracingChannel(channel);
    tracing.start.bindStore(current, (message) => {
      const context = message as MethodTrace & CallTrace;
      const { name: domain, uuid } = context.domain ?? {};
      const attributes = { ...(domain && { 'libvirt.domain': domain }), ...(uuid && { 'libvirt.uuid': uuid }) };
      const span = tracer.startSpan(name(context), attributes, current.getStore());
      spans.set(context, span);
      return span;
    });
    const failed = (message: unknown) =>
      spans.get(message as object)?.recordException((message as { error: Error }).error);
    const ended = (message: unknown) => spans.get(message as object)?.end();
    tracing.error.subscribe(failed);
    tracing.asyncEnd.subscribe(ended);
    return () => {
      tracing.start.unbindStore(current);
      tracing.error.unsubscribe(failed);
      tracing.asyncEnd.unsubscribe(ended);
    };
  });
  return () => {
    for (const stop of stops) stop();
  };
}
