/** What tracing channels tell of methods and calls, and the recipe that makes spans of them. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { tracingChannel } from 'node:diagnostics_channel';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { useTracer } from '../../examples/support/tracer.js';
import { CALL_TRACE, type CallTrace, METHOD_TRACE, type MethodTrace } from '../../src/index.js';
import { benchOnDemand } from '../support/bench.js';
import { failure } from '../support/deadline.js';

const bench = benchOnDemand();
test.after(bench.stop);

const names = ['start', 'end', 'asyncStart', 'asyncEnd', 'error'] as const;

/** Listens to both kinds for the length of some work. */
async function heard(work: () => Promise<unknown>): Promise<string[]> {
  const told: string[] = [];
  const listener = (event: string) => (message: unknown) => {
    const { method, procedure, domain, error } = message as MethodTrace & CallTrace;
    told.push([event, method ?? procedure, domain?.name, (error as { code?: string })?.code].filter(Boolean).join(' '));
    assert.equal(
      Object.keys(message as object).filter(
        (key) => !['method', 'procedure', 'connection', 'domain', 'error'].includes(key),
      ),
      [],
      'neither arguments nor results',
    );
  };
  const all = [METHOD_TRACE, CALL_TRACE].map((name) => {
    const channel = tracingChannel(name);
    const listeners = Object.fromEntries(names.map((event) => [event, listener(event)])) as never;
    channel.subscribe(listeners);
    return () => channel.unsubscribe(listeners);
  });
  try {
    await work();
  } finally {
    for (const stop of all) stop();
  }
  return told;
}

test('a method tells of its start and its end, and of the calls inside, with the domain and without arguments', async () => {
  const { define, manager } = await bench();
  const domain = await define({ name: 'traced' });
  const told = await heard(() => domain.canonical());
  assert.equal(told.slice(0, 2), ['start ManagedDomain.canonical traced', 'start DOMAIN_GET_XML_DESC traced']);
  assert.equal(told.slice(-2), [
    'asyncStart ManagedDomain.canonical traced',
    'asyncEnd ManagedDomain.canonical traced',
  ]);
  const failed = await heard(() => failure(manager.get('nobody'), 'DOMAIN_NOT_FOUND'));
  assert.ok(failed.includes('error DomainManager.get DOMAIN_NOT_FOUND'), failed.join('\n'));
  const wrong = await heard(() => failure(domain.stats({ nowait: 'yes' } as never), 'ARGUMENT_INVALID'));
  assert.equal(
    wrong.filter((each) => each.startsWith('start')),
    ['start ManagedDomain.stats traced'],
    'refused before any call',
  );
  assert.equal(await heard(async () => undefined), []);
});

test('what is bound to the start of a method is there in all of its calls, and not in those beside it', async () => {
  const { define } = await bench();
  const [one, two] = [await define({ name: 'one' }), await define({ name: 'two' })];
  const storage = new AsyncLocalStorage<string>();
  const method = tracingChannel(METHOD_TRACE);
  method.start.bindStore(storage, (context) => (context as MethodTrace).domain?.name ?? '');
  const seen: string[] = [];
  const calls = {
    start: (message: unknown) => void seen.push(`${storage.getStore()} ${(message as CallTrace).domain?.name}`),
  };
  tracingChannel(CALL_TRACE).start.subscribe(calls.start);
  try {
    await Promise.all([one.devices(), two.devices()]);
  } finally {
    tracingChannel(CALL_TRACE).start.unsubscribe(calls.start);
    method.start.unbindStore(storage);
  }
  assert.ok(seen.length >= 2);
  for (const each of seen) assert.match(each, /^(one one|two two)$/);
});

/** As much of OpenTelemetry's tracer as the recipe takes. */
class Recorder {
  readonly spans: { name: string; parent: string | undefined; attributes: object; failed: boolean; ended: boolean }[] =
    [];
  startSpan(name: string, { attributes }: { attributes: object }, parent?: { name: string }) {
    const span = { name, parent: parent?.name, attributes, failed: false, ended: false };
    this.spans.push(span);
    return Object.assign(span, {
      recordException: () => {
        span.failed = true;
      },
      end: () => {
        span.ended = true;
      },
    });
  }
}

test('the recipe: a span for each method and call, nested, ended, with what failed', async () => {
  const { define } = await bench();
  const domain = await define({ name: 'spans' });
  const recorder = new Recorder();
  const stop = useTracer({
    startSpan: (name, attributes, parent) => recorder.startSpan(name, { attributes }, parent as never),
  });
  try {
    await domain.apply(await domain.plan({ set: { title: 'traced' } }));
    await domain.resume().catch(() => undefined);
  } finally {
    stop();
  }
  await domain.state();
  const apply = recorder.spans.find(({ name }) => name === 'ManagedDomain.apply');
  assert.equal((apply as { attributes: Record<string, string> }).attributes['libvirt.domain'], 'spans');
  const inside = recorder.spans.filter(({ parent }) => parent === 'ManagedDomain.apply').map(({ name }) => name);
  assert.ok(inside.includes('libvirt DOMAIN_SET_METADATA'), inside.join());
  assert.ok(recorder.spans.every(({ ended }) => ended));
  assert.ok(recorder.spans.some(({ name, failed }) => name === 'ManagedDomain.resume' && failed));
  assert.not.ok(
    recorder.spans.some(({ name }) => name === 'ManagedDomain.state'),
    'not after it was stopped',
  );
});

test.run();
