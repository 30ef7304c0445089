import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type RedirdevSpec, redirdev } from '../../../src/domain/devices/redirdev.js';
import { anySource, badSources } from './chr-sources.js';
import { badValues, build, kindTests, namesOf, values, verdict } from './support.js';

const test = suite('redirdev');

const place = fc.record(
  { id: values.id, address: fc.constantFrom('usb 0:1', 'usb 1:2.3'), boot: fc.integer({ min: 1, max: 9 }) },
  { requiredKeys: [] },
);
const anyRedirdev: fc.Arbitrary<RedirdevSpec> = fc
  .tuple(anySource<Partial<RedirdevSpec>>(fc.record({ spicevmc: values.yes })), place)
  .map(([from, where]) => ({ ...from, ...where }));

kindTests(test, redirdev, anyRedirdev);

badValues(test, redirdev, [
  ...badSources({ boot: 2 }),
  ['boot', { spicevmc: true, boot: 0 }],
  ['unix.path', { unix: {} }],
]);

test('its bus is said outright', () => {
  assert.is(build(redirdev, { spicevmc: true }).get('@bus'), 'usb');
});

test('it answers to its id and its place', () => {
  const at = "<address type='usb' bus='0' port='2'/>";
  assert.equal(namesOf(`<redirdev bus='usb' type='spicevmc'>${at}</redirdev>`), ['usb 0:2']);
  assert.equal(namesOf("<redirdev bus='usb' type='spicevmc'><alias name='ua-r'/></redirdev>")[0], 'r');
});

test('it comes and goes, live from libvirt 4.0.0 on', () => {
  const device = { redirdev: { tcp: { host: 'a', port: 1 } } };
  for (const action of ['attach', 'detach'] as const)
    for (const scope of ['live', 'config'] as const) assert.is(verdict(device, action, scope), 'yes');
  assert.match(verdict(device, 'detach', 'live', '3.10.0'), /needs libvirt 4\.0\.0/);
});

test.run();
