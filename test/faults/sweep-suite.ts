import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { withoutBookkeeping } from '../../src/domain/own-metadata/own-metadata.js';
import {
  ApplyError,
  type ChangeRequest,
  connect,
  DomainManager,
  LibvirtCanonicalError,
  type ManagedDomain,
} from '../../src/index.js';
import { type Bench, benchOnDemand } from '../support/bench.js';
import { within } from '../support/deadline.js';
import { FAULTS, type FaultKind, FaultProxy } from '../support/fault-proxy.js';
import { tellFigures } from '../support/figures.js';
import { direct, type Front } from '../support/fronts.js';
import { identityMap, machineOf } from '../support/identity-map.js';
import { type Documents, documentsOf as textsOf } from '../support/scenario.js';
import { Wire } from '../support/wire.js';

/**
 * `LVC_FAULTS=all` walks every kind at every call; else some of the calls of each, another lot for each kind. Files that
 * run this over another transport set the way there, and walk each kind at one call.
 */
const ALL = process.env.LVC_FAULTS === 'all';
export const sweep: { every: number; front: (socket: string) => Promise<Front> } = {
  every: ALL ? 1 : 9,
  front: direct,
};

const bench = benchOnDemand();
test.after(() => bench.stop());

interface Figures {
  injected: number;
  readonly kinds: Set<FaultKind>;
  killed: number;
}

/** Both documents without what apply keeps in them for itself. */
async function documentsOf(domain: ManagedDomain): Promise<Documents> {
  const { canonical, live } = await textsOf(domain);
  return { canonical: withoutBookkeeping(canonical), live: live && withoutBookkeeping(live) };
}

/** QEMU lets go of a USB device without asking the guest. */
const PEN = { input: { id: 'pen', type: 'tablet' } } as const;

/** A change whose undoing needs no guest, and how it is taken back. */
const REQUESTS: Readonly<
  Record<'shut off' | 'running', (b: Bench) => Promise<readonly [ChangeRequest, ChangeRequest]>>
> = {
  'shut off': async (b) => [
    {
      attach: [{ disk: { id: 'data', target: 'vdb', file: await b.disk(), format: 'qcow2' } }],
      update: [{ interface: 'lan', set: { link: 'down' } }],
      set: { title: 'during' },
    },
    { detach: [{ disk: 'data' }], update: [{ interface: 'lan', set: { link: 'up' } }], set: { title: 'before' } },
  ],
  running: async () => [
    { detach: [{ input: 'pen' }], update: [{ interface: 'lan', set: { link: 'down' } }], set: { title: 'during' } },
    { attach: [PEN], update: [{ interface: 'lan', set: { link: 'up' } }], set: { title: 'before' } },
  ],
};

const guestAbi = ({ canonical, live }: Documents) =>
  [canonical, live].map((xml) => xml && [machineOf(xml), [...identityMap(xml)]]);

for (const state of ['shut off', 'running'] as const) {
  test(`every fault at every call of an apply, ${state}: before or after, never between`, async () => {
    const b = await bench();
    const spec = { title: 'before', ...(state === 'running' ? { devices: [PEN] } : {}) };
    const subject = await (state === 'running' ? b.started(spec) : b.define(spec));
    const [request, back] = await REQUESTS[state](b);
    const kill = async () => {
      await b.host.killDaemon();
      await b.host.startDaemon();
    };
    await using proxy = await FaultProxy.start(b.host.uri, kill);
    const front = await sweep.front(proxy.path);
    await using _closing = { [Symbol.asyncDispose]: () => front.close() };

    // Once to and fro, so that libvirt has made up all it will; then what the change leads to when nothing goes wrong.
    await settle(subject, request, back);
    const before = await documentsOf(subject);
    const { calls, after } = await rehearse(subject, proxy, front, request);
    await subject.apply(await subject.plan(back));
    assert.equal(await documentsOf(subject), before, 'the way back leads back');
    assert.ok(calls >= 6, `${calls} calls`);

    const figures: Figures = { injected: 0, kinds: new Set(), killed: 0 };
    for (const [row, kind] of FAULTS.entries()) {
      for (
        let at = kind.startsWith('events') ? calls : 1 + (row % Math.min(sweep.every, calls));
        at <= calls;
        at += sweep.every
      ) {
        const what = `${kind}, call ${at} of ${calls}, ${state}`;
        const now = await one(subject, { proxy, front, figures }, request, { kind, at }, what);
        const is = same(now, after) ? 'after' : same(now, before) ? 'before' : 'between';
        if (is === 'between') tellFigures({ 'domains lost': 1 });
        assert.is.not(is, 'between', `${what}:\n${now.canonical}\n${now.live}`);
        assert.equal(guestAbi(now), guestAbi(is === 'after' ? after : before), what);
        if (is === 'after') await within(subject.apply(await subject.plan(back)), 60_000, `the way back from ${what}`);
        assert.equal(await documentsOf(subject), before, `back from ${what}`);
      }
    }
    tellFigures({ 'faults injected': figures.injected, 'kills survived': figures.killed, 'domains lost': 0 });
    // A domain that is off has no events to play with.
    const due = FAULTS.filter((kind) => state === 'running' || !kind.startsWith('events'));
    assert.equal([...figures.kinds].sort(), [...due].sort(), 'each kind happened');
  });
}

/** Applies over the proxy, meets the fault, and tells how the domain is then. */
async function one(
  subject: ManagedDomain,
  { proxy, front, figures }: { readonly proxy: FaultProxy; readonly front: Front; readonly figures: Figures },
  request: ChangeRequest,
  fault: { readonly kind: FaultKind; readonly at: number },
  what: string,
): Promise<Documents> {
  const options = { ...front.options, callTimeout: 20_000, reconnect: { delay: 20, attempts: 50 } };
  await using connection = await connect(front.uri, options);
  const domain = await new DomainManager(connection).get(subject.uuid);
  using wire = new Wire();
  // Under the fault from its planning on.
  proxy.arm(fault);
  let failure: unknown;
  try {
    await within(
      domain.plan(request).then((plan) => domain.apply(plan)),
      60_000,
      what,
    );
  } catch (error) {
    failure = error;
  }
  if ((await proxy.disarm()).happened) {
    figures.injected++;
    figures.kinds.add(fault.kind);
    if (fault.kind.startsWith('daemon killed')) figures.killed++;
  }
  if (failure !== undefined) assert.instance(failure, LibvirtCanonicalError, `${what}: ${String(failure)}`);
  if (failure instanceof ApplyError)
    assert.is(failure.rollback, 'undone', `${what}: ${failure.message}\n${failure.rollbackErrors.join('\n')}`);
  assert.equal(wire.defining(subject.uuid), [], `never redefined: ${what}`);
  return within(documentsOf(subject), 60_000, `reading after ${what}`);
}

async function settle(subject: ManagedDomain, request: ChangeRequest, back: ChangeRequest): Promise<void> {
  for (const change of [request, back]) await subject.apply(await subject.plan(change));
}

/** How many calls the change takes, and what it leads to. */
async function rehearse(
  subject: ManagedDomain,
  proxy: FaultProxy,
  front: Front,
  request: ChangeRequest,
): Promise<{ calls: number; after: Documents }> {
  await using connection = await connect(front.uri, front.options);
  const domain = await new DomainManager(connection).get(subject.uuid);
  proxy.arm({ kind: 'reply delayed', at: Number.POSITIVE_INFINITY });
  await domain.apply(await domain.plan(request));
  const { calls } = await proxy.disarm();
  return { calls, after: await documentsOf(subject) };
}

const same = (a: Documents, b: Documents): boolean => a.canonical === b.canonical && a.live === b.live;
