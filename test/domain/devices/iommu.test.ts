import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { iommu } from '../../../src/domain/devices/iommu.js';
import { badValues, kindTests, namesOf, planned, some, values, verdict } from './support.js';

const test = suite('iommu');

kindTests(
  test,
  iommu,
  some(
    {
      id: values.id,
      address: values.pciAddress,
      model: fc.constantFrom('intel' as const, 'smmuv3' as const, 'virtio' as const),
      driver: some({
        intremap: fc.boolean(),
        cachingMode: fc.boolean(),
        eim: fc.boolean(),
        iotlb: fc.boolean(),
        awBits: fc.constantFrom(39, 48),
        dmaTranslation: fc.boolean(),
      }),
    },
    ['model'],
  ),
);

badValues(test, iommu, [
  ['model', {}],
  ['model', { model: 'amd' }],
  ['driver.awBits', { model: 'intel', driver: { awBits: 0 } }],
]);

const device = { iommu: { model: 'intel' } } as const;

test('there is one, called iommu', () => {
  assert.equal(namesOf("<iommu model='intel'/>"), ['iommu']);
  const { refusals } = planned({ attach: [device] }, "<iommu model='virtio'/>", { libvirt: '10.5.0' });
  assert.match(refusals[0]?.reason ?? '', /at most 1/);
});

test('it comes and goes in the canonical document, from libvirt 10.5.0 on', () => {
  for (const action of ['attach', 'detach'] as const) {
    assert.match(verdict(device, action, 'config', '9.0.0'), /10\.5\.0/);
    assert.is(verdict(device, action, 'config', '10.5.0'), 'yes');
    assert.match(verdict(device, action, 'live', '10.5.0'), /part of the machine/);
  }
});

test.run();
