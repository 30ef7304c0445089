import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type MemoryDeviceSpec, memoryDevice } from '../../../src/domain/devices/memory.js';
import { badValues, build, kindTests, namesOf, planned, sent, some, values, verdict } from './support.js';

const test = suite('memory');

const MIB = 2 ** 20;
const mib = fc.integer({ min: 2, max: 2 ** 20 }).map((count) => count * MIB);
const access = fc.constantFrom('shared' as const, 'private' as const);
const nodemask = fc.constantFrom('0', '0-1,3', '0-3,^2');
const any = { id: values.id, address: fc.constantFrom('dimm 0', 'pci 0000:03:00.0'), size: mib };
const node = fc.nat(7);
const anyMemory: fc.Arbitrary<MemoryDeviceSpec> = fc.oneof(
  some(
    {
      model: fc.constant('dimm' as const),
      ...any,
      node,
      access,
      discard: fc.boolean(),
      source: some({ pagesize: mib, nodemask }),
    },
    ['model', 'size'],
  ),
  some(
    {
      model: fc.constant('nvdimm' as const),
      ...any,
      node,
      access,
      uuid: values.uuid,
      label: mib,
      readonly: values.yes,
      source: some({ path: values.path, alignsize: mib, pmem: values.yes }, ['path']),
    },
    ['model', 'size', 'source'],
  ),
  fc
    .tuple(
      fc.integer({ min: 1, max: 2 ** 10 }),
      some({ ...any, node, access, source: some({ pagesize: mib, nodemask }), dynamicMemslots: fc.boolean() }),
    )
    .map(([blocks, rest]) => ({
      model: 'virtio-mem' as const,
      ...rest,
      block: 2 * MIB,
      size: 2 * MIB * 2 ** 10,
      requested: blocks * 2 * MIB,
    })),
  some({ model: fc.constant('virtio-pmem' as const), ...any, source: fc.record({ path: values.path }) }, [
    'model',
    'size',
    'source',
  ]),
  some({ model: fc.constant('sgx-epc' as const), ...any, source: fc.record({ nodemask }) }, ['model', 'size']),
);

kindTests(test, memoryDevice, anyMemory);

const dimm = { model: 'dimm', size: '512 MiB' } as const;
const virtioMem = { model: 'virtio-mem', size: '1 GiB', block: '2 MiB' } as const;
badValues(test, memoryDevice, [
  ['model', { size: 1 }],
  ['size', { model: 'dimm' }],
  ['size', { ...dimm, size: 'much' }],
  ['model', { ...dimm, model: 'ddr5' }],
  ['node', { ...dimm, node: -1 }],
  ['requested', { ...dimm, requested: 0 }],
  ['label', { ...dimm, label: '1 MiB' }],
  ['source.path', { ...dimm, source: { path: '/a' } }],
  ['source.path', { ...dimm, model: 'nvdimm' }],
  ['source.path', { ...dimm, model: 'virtio-pmem' }],
  ['source.path', { ...dimm, model: 'nvdimm', source: { path: 'a' } }],
  ['source.nodemask', { ...dimm, source: { nodemask: 'all' } }],
  ['node', { ...dimm, model: 'virtio-pmem', node: 0, source: { path: '/a' } }],
  ['access', { ...dimm, model: 'virtio-pmem', access: 'private', source: { path: '/a' } }],
  ['block', { model: 'virtio-mem', size: '1 GiB' }],
  ['requested', { ...virtioMem, requested: '2 GiB' }],
  ['requested', { ...virtioMem, requested: '3 MiB' }],
  ['dynamicMemslots', { ...dimm, dynamicMemslots: true }],
  ['uuid', { ...dimm, uuid: 'x' }],
]);

test('sizes are in KiB, as libvirt writes them', () => {
  const built = build(memoryDevice, dimm);
  assert.equal([built.get('target/size'), built.get('target/size/@unit')], ['524288', 'KiB']);
});

test('a module is known by its slot in both documents, though only the running one has a base', () => {
  const at = (base: string) => `<memory model='dimm'><address type='dimm' slot='1'${base}/></memory>`;
  assert.equal(namesOf(at('')), ['dimm 1']);
  assert.equal(namesOf(at(" base='0x100000000'")), ['dimm 1']);
});

test('all but sgx-epc come and go while the guest runs', () => {
  for (const action of ['attach', 'detach'] as const) {
    assert.is(verdict({ memory: dimm }, action, 'live'), 'yes');
    assert.is(verdict({ memory: virtioMem }, action, 'live') === 'yes', action === 'attach', 'QEMU lets it come only');
    assert.match(verdict({ memory: { ...dimm, model: 'sgx-epc' } }, action, 'live'), /sgx-epc memory has no hot-plug/);
    assert.is(verdict({ memory: { ...dimm, model: 'sgx-epc' } }, action, 'config'), 'yes');
  }
  const slots = { memory: { ...virtioMem, dynamicMemslots: true } };
  assert.match(verdict(slots, 'attach', 'config'), /needs libvirt 10\.1\.0/);
  assert.is(verdict(slots, 'attach', 'config', '10.1.0'), 'yes');
});

const maxMemory = "<maxMemory slots='4' unit='KiB'>8388608</maxMemory>";
const numa = "<cpu><numa><cell id='0' cpus='0' memory='1048576' unit='KiB'/></numa></cpu>";

test('a virtio-pmem would keep an old libvirt from starting the domain', () => {
  const pmem = { memory: { model: 'virtio-pmem', size: '128 MiB', source: { path: '/a' } } } as const;
  for (const scope of ['live', 'config'] as const) {
    assert.match(verdict(pmem, 'attach', scope), /before 9\.4\.0 cannot start/);
    assert.is(verdict(pmem, 'attach', scope, '9.4.0'), 'yes');
  }
});

test('the domain must have been defined for it', () => {
  const refusal = (domain: string) => planned({ attach: [{ memory: dimm }] }, '', { domain }).refusals[0]?.reason ?? '';
  assert.match(refusal(''), /without maxMemory/);
  assert.match(refusal(maxMemory), /without a NUMA cell/);
  assert.is(refusal(maxMemory + numa), '');
  const nvdimm = { memory: { ...dimm, model: 'nvdimm', source: { path: '/a' } } } as const;
  const running = (device: object, features: string) =>
    planned({ attach: [device as never] }, '', { domain: maxMemory + numa + features, live: '' }).refusals[0]?.reason;
  assert.match(running(nvdimm, '<features><acpi/></features>') ?? '', /only when the domain was started with one/);
  assert.match(running(nvdimm, '') ?? '', /without ACPI/);
  assert.match(running({ memory: dimm }, '<features><apic/></features>') ?? '', /without ACPI/);
  assert.is(running({ memory: dimm }, '<features><acpi/></features>'), undefined);
});

test('modules take slots, virtio memory a PCIe port', () => {
  const plan = planned({ attach: [{ memory: dimm }] }, '', { domain: maxMemory + numa });
  assert.is(plan.operations[0]?.address, 'dimm 0');
  const bus = (spec: MemoryDeviceSpec) => memoryDevice.bus(build(memoryDevice, spec));
  assert.equal(bus(virtioMem), { type: 'pci', slot: 'express' });
  assert.is(bus({ ...dimm, model: 'sgx-epc' }), undefined);
});

const stands = (more: string, current = '') =>
  "<memory model='virtio-mem'><odd/><target><size unit='KiB'>1048576</size><node>0</node><block unit='KiB'>2048</block>" +
  `<requested unit='KiB'>524288</requested>${current}</target>${more}</memory>`;
const inside = "<address type='pci' domain='0x0000' bus='0x02' slot='0x00' function='0x0'/>";
const live = stands(`<alias name='virtiomem0'/>${inside}`, "<current unit='KiB'>524288</current>");

test('what is requested changes live, in the element as it runs', () => {
  const request = { update: [{ memory: 'pci 0000:02:00.0', set: { requested: '256 MiB' } }] } as const;
  const plan = planned(request, stands(inside), { live });
  assert.equal(plan.refusals, []);
  assert.equal(
    plan.operations.map(({ scope }) => scope),
    ['live', 'config'],
  );
  const [running, stored] = plan.operations.map(({ call }) => (call.args as { xml: string }).xml);
  assert.match(running ?? '', /virtiomem0/, 'QEMU is asked by the alias');
  assert.match(running ?? '', /<requested unit="KiB">262144</);
  assert.match(stored ?? '', /<odd\/>/, 'what a spec cannot say is kept');
  assert.is(sent(planned(request, stands(inside))).get('target/requested'), '262144');
});

test('an update cannot make it another module', () => {
  const set = { size: '2 GiB' } as const;
  const [refusal] = planned({ update: [{ memory: 'pci 0000:02:00.0', set }] }, stands(inside)).refusals;
  assert.match(refusal?.reason ?? '', /target\/size is what the device is known by/);
});

test.run();
