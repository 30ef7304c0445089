/** The fixed set of promises that is tried on each release. */
import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import {
  CALL_CHANNEL,
  type CallRecord,
  connect,
  DomainManager,
  type LibvirtCanonicalError,
  type ManagedDomain,
} from '../../src/index.js';
import { PrivateHost } from '../../src/testing/index.js';

/** Where a promise is tried. */
interface At {
  readonly root?: string;
}

interface Promised {
  readonly name: string;
  readonly about: string;
  /** A scenario of the conformance kit, with this library as the driver. */
  readonly scenario?: string;
  /** Ends with an error when the promise is not kept. */
  readonly show?: (at: At) => Promise<void>;
}

const SPEC = {
  name: 'kept',
  type: 'qemu',
  memory: '64 MiB',
  vcpus: { current: 1, maximum: 2 },
  hotplug: { pciePorts: 4 },
} as const;

/** A host with a domain that runs with its CPUs stopped, and a way to an image. What is done is held to one define on the wire. */
async function withDomain(
  at: At,
  work: (domain: ManagedDomain, disk: (name: string) => Promise<string>) => Promise<void>,
): Promise<void> {
  await using host = await PrivateHost.start(at);
  await using connection = await connect(host.uri);
  const sent: string[] = [];
  const onCall = (message: unknown) => {
    const { phase, procedure } = message as CallRecord;
    if (phase === 'start') sent.push(procedure);
  };
  subscribe(CALL_CHANNEL, onCall);
  const disk = (name: string) => host.createDisk(`${name}.qcow2`, { size: '1 MiB' });
  const domain = await new DomainManager(connection).define({
    ...SPEC,
    disks: [{ id: 'root', target: 'vda', file: await disk('root'), format: 'qcow2', boot: 1 }],
    interfaces: [{ id: 'lan', user: true, mac: '52:54:00:00:00:01' }],
  });
  await domain.start({ paused: true });
  try {
    await work(domain, disk);
    assert.equal(sent.filter((procedure) => /DEFINE/.test(procedure)).length, 1, 'it was defined once');
  } finally {
    unsubscribe(CALL_CHANNEL, onCall);
  }
}

const plug = async (target: string, file: Promise<string>) => ({
  disk: { id: target, target, file: await file, format: 'qcow2' } as const,
});
const both = async (domain: ManagedDomain) => [await domain.canonical(), await domain.live()];
/** Without what apply keeps there for itself. */
const told = (xml: string | undefined) => xml?.replace(/<metadata>[\s\S]*?<\/metadata>\s*/, '');

/** A plan says all of it and does nothing; its calls are what is done. */
async function planned(at: At): Promise<void> {
  await withDomain(at, async (domain, disk) => {
    const before = await both(domain);
    const plan = await domain.plan({ attach: [await plug('vdb', disk('b'))] });
    assert.deepEqual(await both(domain), before, 'planning changes nothing');
    const address = /<address type='pci'[^>]*>/;
    await domain.apply(plan);
    const places = (await both(domain)).map(
      (xml) => address.exec((xml ?? '').split("<target dev='vdb'")[1] ?? '')?.[0],
    );
    assert.ok(places[0], 'it is there');
    assert.equal(places[0], places[1], 'at one address in both documents');
  });
}

/** The second of two devices has no image: the first is taken back. */
async function allOrNothing(at: At): Promise<void> {
  await withDomain(at, async (domain) => {
    const before = (await both(domain)).map(told);
    const lost = { disk: { id: 'vdc', target: 'vdc', file: '/nowhere/c.qcow2', format: 'qcow2' } } as const;
    const plan = await domain.plan({ update: [{ interface: 'lan', set: { link: 'down' } }], attach: [lost] });
    assert.ok(plan.operations.length > 1);
    await assert.rejects(domain.apply(plan), (error: LibvirtCanonicalError) => error.code === 'APPLY_FAILED');
    assert.deepEqual((await both(domain)).map(told), before, 'nothing of it stays');
  });
}

/** Whatever libvirt says of a domain asks for nothing when it is planned towards. */
async function converged(at: At): Promise<void> {
  await withDomain(at, async (domain) => {
    for (const xml of await both(domain)) {
      const { operations, refusals } = await domain.planTowards(xml ?? '');
      const steps = operations
        .filter(({ subject }) => subject !== 'intent')
        .map(({ action, subject }) => `${action} ${subject}`);
      assert.deepEqual([steps, refusals], [[], []]);
    }
  });
}

/** The daemon ends, and a change goes on with the next one. */
async function survives(at: At): Promise<void> {
  await using host = await PrivateHost.start(at);
  await using connection = await connect(host.uri);
  const file = await host.createDisk('root.qcow2', { size: '1 MiB' });
  const domain = await new DomainManager(connection).define({
    ...SPEC,
    disks: [{ id: 'root', target: 'vda', file, format: 'qcow2', boot: 1 }],
  });
  await domain.start({ paused: true });
  const before = await domain.guestAbi();
  await host.killDaemon();
  await host.startDaemon();
  await domain.verify(before);
  await domain.apply(await domain.plan({ set: { title: 'after' } }));
  assert.match(await domain.canonical(), /<title>after<\/title>/);
}

/** What another program writes beside it stays. */
async function othersWork(at: At): Promise<void> {
  await withDomain(at, async (domain, disk) => {
    await domain.apply(await domain.plan({ set: { metadata: { 'urn:other': { prefix: 'o', xml: '<kept/>' } } } }));
    await domain.apply(await domain.plan({ attach: [await plug('vdb', disk('b'))] }));
    await domain.apply(await domain.plan({ update: [{ interface: 'lan', set: { link: 'down' } }] }));
    assert.match(await domain.canonical(), /<o:kept [^>]*urn:other/);
  });
}

export const PROMISES: readonly Promised[] = [
  { name: 'planned', about: 'a plan changes nothing, and a device gets one address in both documents', show: planned },
  { name: 'all or nothing', about: 'what was done before a step failed is taken back', show: allOrNothing },
  { name: 'converged', about: 'planning towards a document that libvirt gave is empty', show: converged },
  { name: 'survives', about: 'a daemon that is killed moves nothing, and the next change succeeds', show: survives },
  { name: 'nobody else’s', about: 'metadata of another program stay through changes', show: othersWork },
  { name: 'nothing moves', about: 'a part of the matrix of events', scenario: 'short matrix' },
  { name: 'holes', about: 'a place that was freed moves nobody', scenario: 'holes' },
  { name: 'pending', about: 'what waits for the next boot keeps its place', scenario: 'pending' },
  { name: 'foreign edits', about: 'what was changed with virsh stays', scenario: 'foreign edits' },
  { name: 'kills', about: 'a manager that is killed leaves what the next one completes', scenario: 'kills' },
  { name: 'migration', about: 'to another host and back, with changes on either', scenario: 'migration' },
];
