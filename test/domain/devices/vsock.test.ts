import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { VIRTIO_MODELS } from '../../../src/domain/devices/virtio.js';
import { type VsockSpec, vsock } from '../../../src/domain/devices/vsock.js';
import { badValues, build, kindTests, namesOf, planned, some, values, verdict, virtioDriver } from './support.js';

const test = suite('vsock');

const anyVsock: fc.Arbitrary<VsockSpec> = some(
  {
    id: values.id,
    address: values.pciAddress,
    cid: fc.oneof(fc.integer({ min: 3, max: 0xffffffff }), fc.constant('auto' as const)),
    model: fc.constantFrom(...VIRTIO_MODELS),
    driver: some(virtioDriver),
  },
  ['cid'],
);

kindTests(test, vsock, anyVsock);

badValues(test, vsock, [
  ['cid', {}],
  ['cid', { cid: 2 }],
  ['cid', { cid: 2 ** 32 }],
  ['cid', { cid: 'any' }],
  ['model', { cid: 3, model: 'vhost' }],
]);

test('a chosen id and libvirt’s choice', () => {
  assert.equal(
    [...build(vsock, { cid: 7 })].filter(([path]) => path.startsWith('cid')),
    [
      ['cid/@auto', 'no'],
      ['cid/@address', '7'],
    ],
  );
  const live = new Map([
    ['cid/@auto', 'yes'],
    ['cid/@address', '3'],
  ]);
  assert.is(vsock.fields.cid.decode(live), 'auto');
});

test('it answers to its kind, there being one', () => {
  assert.equal(namesOf("<vsock model='virtio'><cid auto='yes'/></vsock>"), ['vsock']);
  const there = "<vsock model='virtio'><cid auto='yes'/><alias name='ua-v'/></vsock>";
  assert.match(
    planned({ attach: [{ vsock: { id: 'w', cid: 4 } }] }, there).refusals[0]?.reason ?? '',
    /at most 1 vsock/,
  );
});

test('it comes and goes from libvirt 4.5.0 on', () => {
  for (const action of ['attach', 'detach'] as const) {
    for (const scope of ['live', 'config'] as const) {
      assert.is(verdict({ vsock: { cid: 3 } }, action, scope), 'yes');
      assert.match(verdict({ vsock: { cid: 3 } }, action, scope, '4.4.0'), /needs libvirt 4\.5\.0/);
    }
  }
});

test.run();
