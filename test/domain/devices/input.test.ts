import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type InputSpec, input } from '../../../src/domain/devices/input.js';
import { badValues, build, kindTests, namesOf, some, values, verdict, virtioDriver } from './support.js';

const test = suite('input');

const virtio = {
  bus: fc.constant('virtio' as const),
  model: fc.constant('virtio' as const),
  driver: some(virtioDriver),
};
const what = fc.oneof(
  some(
    {
      type: fc.constantFrom('mouse' as const, 'keyboard' as const),
      bus: fc.constantFrom('usb' as const, 'ps2' as const),
    },
    ['type'],
  ),
  some({ type: fc.constantFrom('mouse' as const, 'tablet' as const), ...virtio }, ['type', 'bus']),
  some({ passthrough: values.path, ...virtio }, ['passthrough']),
  fc.record({
    evdev: some(
      {
        path: values.path,
        grabAll: values.yes,
        grabToggle: fc.constantFrom(
          ...(['ctrl-ctrl', 'alt-alt', 'shift-shift', 'meta-meta', 'scrolllock', 'ctrl-scrolllock'] as const),
        ),
        repeat: fc.boolean(),
      },
      ['path'],
    ),
  }),
);
const place = fc.record(
  { id: values.id, address: fc.constantFrom('usb 0:1', 'pci 0000:01:00.0') },
  { requiredKeys: [] },
);
const anyInput: fc.Arbitrary<InputSpec> = fc.tuple(what, place).map(([is, where]) => ({ ...is, ...where }));

kindTests(test, input, anyInput);

badValues(test, input, [
  ['', {}],
  ['', { type: 'mouse', passthrough: '/dev/input/event1' }],
  ['type', { type: 'joystick' }],
  ['passthrough', { passthrough: 'event1' }],
  ['evdev.path', { evdev: { repeat: true } }],
  ['evdev.grabAll', { evdev: { path: '/a', grabAll: false } }],
  ['evdev.grabToggle', { evdev: { path: '/a', grabToggle: 'ctrl' } }],
  ['bus', { type: 'mouse', bus: 'xen' }],
  ['bus', { type: 'tablet', bus: 'ps2' }],
  ['bus', { evdev: { path: '/a' }, bus: 'usb' }],
  ['bus', { passthrough: '/a', bus: 'usb' }],
  ['model', { type: 'mouse', bus: 'usb', model: 'virtio' }],
  ['model', { type: 'mouse', bus: 'virtio', model: 'virtio-transitional' }],
  ['driver', { type: 'mouse', driver: { iommu: true } }],
]);

test('the bus that libvirt would choose on every machine is said outright', () => {
  assert.is(build(input, { type: 'tablet' }).get('@bus'), 'usb');
  assert.is(build(input, { passthrough: '/a' }).get('@bus'), 'virtio');
  assert.is(build(input, { type: 'mouse' }).get('@bus'), undefined);
});

test('it answers to its id and to what it is', () => {
  const xml = "<input type='tablet' bus='usb'><alias name='ua-pointer'/></input>";
  assert.equal(namesOf(xml), ['pointer', 'ua-pointer', 'tablet-usb']);
  assert.equal(namesOf("<input type='evdev'><source dev='/a'/></input>"), ['evdev']);
});

test('only devices on the usb and virtio buses come and go while the guest runs', () => {
  for (const action of ['attach', 'detach'] as const) {
    for (const bus of ['usb', 'virtio'] as const)
      assert.is(verdict({ input: { type: 'keyboard', bus } }, action, 'live'), 'yes');
    assert.match(verdict({ input: { type: 'keyboard' } }, action, 'live'), /only input devices on the usb and virtio/);
    assert.match(verdict({ input: { evdev: { path: '/a' } } }, action, 'live'), /only input devices on the usb/);
    assert.is(verdict({ input: { evdev: { path: '/a' } } }, action, 'live', '10.4.0'), 'yes');
  }
});

test('the mouse and keyboard of the PC come back by themselves', () => {
  const ps2 = { input: { type: 'mouse', bus: 'ps2' } } as const;
  assert.match(verdict(ps2, 'detach', 'config'), /puts it back/);
  assert.is(verdict({ input: { type: 'tablet' } }, 'detach', 'config'), 'yes');
});

test('it takes a place on its bus', () => {
  const demand = (spec: InputSpec) => input.bus(build(input, spec));
  assert.equal(demand({ type: 'tablet' }), { type: 'usb' });
  assert.equal(demand({ type: 'mouse', bus: 'virtio' }), { type: 'pci', slot: 'express', virtio: true });
  assert.is(demand({ type: 'mouse', bus: 'ps2' }), undefined);
});

test.run();
