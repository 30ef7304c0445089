import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type SerialSpec, serial } from '../../../src/domain/devices/serial.js';
import { anySource, badSources } from './chr-sources.js';
import { badValues, kindTests, namesOf, planned, some, values, verdict } from './support.js';

const test = suite('serial');

const port = some(
  {
    id: values.id,
    address: fc.oneof(values.pciAddress, fc.constant('usb 0:1')),
    port: fc.integer({ min: 0, max: 9 }),
    target: fc.constantFrom(
      ...(['isa-serial', 'usb-serial', 'pci-serial', 'spapr-vio-serial'] as const),
      ...(['system-serial', 'sclp-serial', 'isa-debug'] as const),
    ),
    model: fc.constantFrom('isa-serial', 'pci-serial', '16550a'),
  },
  ['port'],
);
const anySerial: fc.Arbitrary<SerialSpec> = fc.tuple(anySource(), port).map(([from, to]) => ({ ...from, ...to }));

kindTests(test, serial, anySerial);

badValues(test, serial, [
  ...badSources({ port: 0 }),
  ['port', { pty: true }],
  ['port', { port: -1, pty: true }],
  ['target', { port: 0, pty: true, target: 'rs232' }],
  ['model', { port: 0, pty: true, model: '<' }],
  ['unix.path', { port: 0, unix: { mode: 'bind' } }],
]);

test('it answers to its id and its port', () => {
  const xml = "<serial type='pty'><target type='isa-serial' port='1'/><alias name='ua-log'/></serial>";
  assert.equal(namesOf(xml), ['log', 'ua-log', '1']);
});

test('only USB and PCI ports come and go while the guest runs', () => {
  for (const [target, live] of [
    ['usb-serial', true],
    ['pci-serial', true],
    ['isa-serial', false],
    [undefined, false],
  ] as const) {
    const device = { serial: { port: 1, pty: true, ...(target ? { target } : {}) } } as const;
    for (const action of ['attach', 'detach'] as const) {
      assert.is(verdict(device, action, 'live') === 'yes', live, `${action} ${target}`);
      assert.is(verdict(device, action, 'config'), 'yes');
    }
  }
});

test('no two have one port', () => {
  const there = "<serial type='pty'><target type='isa-serial' port='0'/><alias name='ua-one'/></serial>";
  assert.throws(
    () => planned({ attach: [{ serial: { id: 'two', port: 0, file: '/a' } }] }, there),
    (error: Error) => /serial port 0 is already used by serial one/.test(error.message),
  );
});

test('a USB port takes a place on the USB bus, a PCI one a conventional slot', () => {
  const bus = (target: string) => serial.bus(new Map([['target/@type', target]]));
  assert.equal(bus('usb-serial'), { type: 'usb' });
  assert.equal(bus('pci-serial'), { type: 'pci', slot: 'conventional' });
  assert.is(bus('isa-serial'), undefined);
});

test.run();
