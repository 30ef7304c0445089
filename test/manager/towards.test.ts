import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type DomainSpec, type ManagedDomain, Plan, type TowardsOptions } from '../../src/index.js';
import { type Bench, benchOnDemand } from '../support/bench.js';
import { failure, within } from '../support/deadline.js';
import { identityMap } from '../support/identity-map.js';
import { documentsOf, stayedPut } from '../support/scenario.js';
import { Wire } from '../support/wire.js';

const bench = benchOnDemand();
test.after(() => bench.stop());

const hba = { controller: { id: 'hba', type: 'scsi', model: 'virtio-scsi' } } as const;
const lan = { id: 'lan', user: true, mac: '52:54:00:00:00:01' } as const;

/** A whole desired state of its own name, with an image for each disk that tests use. */
async function wishes(b: Bench, name: string) {
  const file = Object.fromEntries(
    await Promise.all(
      ['root', 'a', 'b', 'c'].map(async (each) => [each, await b.disk(`${name}-${each}.qcow2`)] as const),
    ),
  ) as Record<'root' | 'a' | 'b' | 'c', string>;
  const root = { id: 'root', target: 'vda', file: file.root, format: 'qcow2', boot: 1 } as const;
  const scsi = (id: 'a' | 'b' | 'c') =>
    ({ id, target: `sd${id}`, bus: 'scsi', file: file[id], format: 'qcow2' }) as const;
  const base: DomainSpec = {
    name,
    type: 'qemu',
    memory: '64 MiB',
    vcpus: { current: 1, maximum: 2 },
    hotplug: { pciePorts: 6 },
    disks: [root],
    interfaces: [lan],
    devices: [hba],
  };
  return { file, root, scsi, base };
}

/** Gets a domain to a desired state, and holds the way to being planned, defining nothing, moving nothing, and being the end. */
async function reach(domain: ManagedDomain, spec: DomainSpec, options: TowardsOptions = {}): Promise<Plan> {
  const before = await documentsOf(domain);
  using wire = new Wire();
  const plan = await within(domain.planTowards(spec, options), 30_000, 'planning');
  assert.equal(plan.refusals, [], String(plan));
  assert.equal(wire.mutators(domain.uuid), [], 'planning changes nothing');
  // Through JSON, as a plan that is looked at before it is applied.
  await within(domain.apply(Plan.fromJSON(JSON.stringify(plan))), 120_000, `applying\n${plan}`);
  assert.equal(wire.defining(), [], 'never redefined');
  const after = await documentsOf(domain);
  const subjects = new Set(plan.operations.flatMap(({ subject }) => [subject, subject.replace(' ', ' ua-')]));
  stayedPut(before.canonical, after.canonical, subjects, 'canonical');
  const again = await domain.planTowards(spec, options);
  assert.ok(again.isEmpty, `converged:\n${again}`);
  return plan;
}
const actions = ({ operations }: Plan) =>
  operations.map(({ action, subject, scope }) => `${action} ${subject} ${scope}`);

test('what was defined from a spec is as that spec asks, whatever libvirt has added', async () => {
  const b = await bench();
  const { base } = await wishes(b, 'whole');
  const spec: DomainSpec = {
    ...base,
    title: 'Whole',
    devices: [
      hba,
      "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>",
      { channel: { unix: {}, name: 'org.qemu.guest_agent.0' } },
      "<graphics type='vnc' port='-1' autoport='yes' passwd='hunter2'/>",
      { input: { type: 'tablet' } },
      { video: { model: 'virtio' } },
      { watchdog: { model: 'i6300esb', action: 'reset' } },
    ] as NonNullable<DomainSpec['devices']>,
  };
  const domain = await b.manager.define(spec);
  const off = await domain.planTowards(spec);
  assert.ok(off.isEmpty, String(off));
  await domain.start({ paused: true });
  const on = await domain.planTowards(spec);
  assert.ok(on.isEmpty, String(on));
  const own = await domain.planTowards(await domain.canonical());
  assert.equal(own.refusals, [], String(own));
  assert.equal(
    actions(own).filter((each) => !each.includes('intent')),
    [],
  );
});

test('shut off: devices come, change and go as asked; what somebody else attached stays; places hold over a boot', async () => {
  const b = await bench();
  const { base, root, scsi, file } = await wishes(b, 'off');
  const domain = await b.manager.define(base);
  const rival = await b.rival();
  const { dom } = await rival.call('DOMAIN_LOOKUP_BY_UUID', { uuid: domain.uuid });
  const xml = `<disk type='file'><driver name='qemu' type='qcow2'/><source file='${file.c}'/><target dev='vdx' bus='virtio'/></disk>`;
  await rival.call('DOMAIN_ATTACH_DEVICE_FLAGS', { dom, xml, flags: 2 });
  const wan = { id: 'wan', user: true, mac: '52:54:00:00:00:02', boot: 2 } as const;
  assert.equal(actions(await reach(domain, { ...base, disks: [root, scsi('a')], interfaces: [lan, wan] })), [
    'attach interface wan config',
    'attach disk a config',
    'set intent config',
  ]);
  // Boot orders traded, a field changed, a device gone.
  const traded = { ...base, disks: [{ ...root, boot: 2, serial: 'R1' }], interfaces: [lan, { ...wan, boot: 1 }] };
  await reach(domain, traded);
  const before = identityMap(await domain.canonical());
  assert.ok(before.has('disk vdx') && !before.has('disk ua-a'));
  await domain.start({ paused: true });
  for (const [name, { address }] of identityMap((await domain.live()) ?? ''))
    if (before.has(name)) assert.is(address, before.get(name)?.address, `${name} is where it was defined`);
  assert.equal((await domain.pending()).changes, []);
  assert.ok((await domain.planTowards(traded)).isEmpty);
});

test('running: attached and detached in both documents, at one place, which it gets back later', async () => {
  const b = await bench();
  const { base, root, scsi } = await wishes(b, 'running');
  const domain = await b.manager.define(base);
  await domain.start({ paused: true });
  const both = { ...base, disks: [root, scsi('a'), scsi('b')], interfaces: [{ ...lan, link: 'down' as const }] };
  await reach(domain, both);
  const [canonical, live] = [identityMap(await domain.canonical()), identityMap((await domain.live()) ?? '')];
  for (const id of ['a', 'b']) assert.is(canonical.get(`disk ua-${id}`)?.address, live.get(`disk ua-${id}`)?.address);
  assert.equal(actions(await reach(domain, { ...both, disks: [root, scsi('b')] })), [
    'detach disk a live',
    'detach disk a config',
    'set intent both',
  ]);
  await reach(domain, { ...both, disks: [root, scsi('b'), scsi('c')] });
  await reach(domain, both, { ifNotLive: 'next-boot' });
  assert.is(identityMap(await domain.canonical()).get('disk ua-a')?.address, canonical.get('disk ua-a')?.address);
  await domain.destroy();
  await domain.start({ paused: true });
  assert.ok((await domain.planTowards(both)).isEmpty);
  assert.is(identityMap((await domain.live()) ?? '').get('disk ua-a')?.address, canonical.get('disk ua-a')?.address);
});

test('controllers and what sits on them come in one plan', async () => {
  const b = await bench();
  const { base, root, scsi } = await wishes(b, 'controllers');
  const domain = await b.manager.define({ ...base, devices: [] });
  await domain.start({ paused: true });
  const plan = await reach(domain, { ...base, disks: [root, scsi('a')] });
  assert.equal(actions(plan).slice(0, 2), ['attach controller hba both', 'attach disk a both']);
});

test("a domain that somebody else defined is adopted without a write, and then loses nothing that was not the caller's", async () => {
  const b = await bench();
  const rival = await b.rival();
  const { root, scsi, file } = await wishes(b, 'adopted');
  const { dom } = await rival.call('DOMAIN_DEFINE_XML_FLAGS', {
    xml: `<domain type='qemu'><name>adopted</name><memory unit='MiB'>64</memory><vcpu>1</vcpu><os><type arch='x86_64' machine='q35'>hvm</type></os><devices>
      <disk type='file'><driver name='qemu' type='qcow2'/><source file='${file.root}'/><target dev='vda' bus='virtio'/><boot order='1'/></disk>
      <interface type='user'><mac address='52:54:00:00:00:0c'/><model type='e1000e'/></interface>
      <controller type='scsi' index='0' model='virtio-scsi'/></devices></domain>`,
    flags: 1,
  });
  const domain = await b.manager.get(dom.uuid);
  const before = await domain.canonical();
  const spec: DomainSpec = {
    name: 'adopted',
    type: 'qemu',
    memory: '64 MiB',
    disks: [{ target: 'vda', file: root.file, format: 'qcow2' }],
  };
  const plan = await domain.planTowards(spec);
  assert.equal(actions(plan), ['set intent config']);
  assert.is(await domain.canonical(), before, 'looking is not touching');
  const more = { ...spec, disks: [...(spec.disks ?? []), scsi('a')] };
  await reach(domain, more);
  assert.equal(actions(await reach(domain, spec)), ['detach disk a config', 'set intent config']);
  const kept = identityMap(before);
  const after = identityMap(await domain.canonical());
  for (const [name, place] of kept) assert.equal(after.get(name), place, `${name} is there as before`);
});

test('a device that no update reaches is replaced at its place, the only boot disk too', async () => {
  const b = await bench();
  const { base, root, scsi } = await wishes(b, 'replaced');
  const domain = await b.manager.define({ ...base, disks: [root, scsi('a')] });
  const place = identityMap(await domain.canonical()).get('disk ua-root')?.address;
  const spec = { ...base, disks: [{ ...root, target: 'vdr' }, scsi('a')] };
  assert.match((await domain.planTowards(spec)).refusals[0]?.reason ?? '', /target\/@dev/);
  await reach(domain, spec, { replace: 'allow' });
  const after = identityMap(await domain.canonical());
  assert.is(after.get('disk ua-root')?.address, place);
  assert.not.match(await domain.canonical(), /<boot dev=/);
});

test('a plan from JSON keeps the secret that only libvirt has, and is refused when it would set one', async () => {
  const b = await bench();
  const { base } = await wishes(b, 'secret');
  const vnc = (passwd: string, more = '') =>
    `<graphics type='vnc' port='-1' autoport='yes' passwd='${passwd}'${more}/>`;
  const domain = await b.manager.define({ ...base, devices: [vnc('hunter2')] });
  const plan = await domain.planTowards({ ...base, devices: [vnc('hunter2', " keymap='de'")] });
  assert.not.match(JSON.stringify(plan), /hunter/);
  await domain.apply(Plan.fromJSON(JSON.stringify(plan)));
  assert.match(await domain.canonical(), /keymap='de'[^>]* passwd='hunter2'|passwd='hunter2'[^>]*keymap='de'/);
  const other = await domain.planTowards({ ...base, devices: [vnc('hunter3')] });
  const error = await failure(domain.apply(Plan.fromJSON(JSON.stringify(other))), 'PLAN_REFUSED');
  assert.not.match(error.message, /hunter/);
  await domain.apply(other);
  assert.match(await domain.canonical(), /hunter3/);
});

test('random desired states, one after another, shut off and running: each is reached, and nothing of others is touched', async () => {
  const b = await bench();
  const { base, root, scsi, file } = await wishes(b, 'random');
  const domain = await b.manager.define(base);
  const rival = await b.rival();
  const { dom } = await rival.call('DOMAIN_LOOKUP_BY_UUID', { uuid: domain.uuid });
  const theirs = `<disk type='file'><driver name='qemu' type='qcow2'/><source file='${file.c}'/><target dev='vdx' bus='virtio'/><serial>THEIRS</serial></disk>`;
  await rival.call('DOMAIN_ATTACH_DEVICE_FLAGS', { dom, xml: theirs, flags: 2 });
  const kept = identityMap(await domain.canonical()).get('disk vdx');
  const spec = fc.record({
    disks: fc.tuple(
      fc
        .record({ boot: fc.constantFrom(1, 2, 3), serial: fc.constantFrom('R1', 'R2') })
        .map((more) => ({ ...root, ...more })),
      fc.subarray(['a', 'b'] as const),
    ),
    nic: fc.record({ link: fc.constantFrom('up' as const, 'down' as const), boot: fc.constantFrom(4, 5, 6) }),
    title: fc.constantFrom('one', 'two'),
    vcpus: fc.constantFrom(1, 2),
    running: fc.boolean(),
  });
  const { vcpus: _, ...unsized } = base;
  let states = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(spec, { minLength: 2, maxLength: 3 }), async (all) => {
      for (const { disks, nic, title, vcpus, running } of all) {
        const state = await domain.state();
        if (running && state === 'shutoff') await domain.start({ paused: true });
        if (!running && state !== 'shutoff') await domain.destroy();
        const [first, ids] = disks;
        await reach(
          domain,
          {
            ...unsized,
            title,
            // Of a guest that is stopped and has no agent, vCPUs cannot be taken back.
            ...(running ? {} : { vcpus: { current: vcpus, maximum: 2 } }),
            disks: [first, ...ids.map((id) => scsi(id))],
            interfaces: [{ ...lan, ...nic }],
          },
          { ifNotLive: 'next-boot' },
        );
        assert.equal(identityMap(await domain.canonical()).get('disk vdx'), kept, "others' disk is where it was");
        assert.match(await domain.canonical(), /THEIRS/);
        states++;
      }
    }),
    { numRuns: 8, seed: 4, endOnFailure: true, includeErrorInReport: true },
  );
  assert.ok(states >= 16, `${states} desired states`);
});

test.run();
