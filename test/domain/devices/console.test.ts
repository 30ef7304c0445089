import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type ConsoleSpec, console } from '../../../src/domain/devices/console.js';
import { anySource, badSources } from './chr-sources.js';
import { badValues, kindTests, namesOf, planned, some, values, verdict } from './support.js';

const test = suite('console');

const port = some(
  {
    id: values.id,
    address: fc.constantFrom('virtio-serial 0:0:1', 'virtio-serial 2:0:3'),
    port: fc.integer({ min: 0, max: 9 }),
    target: fc.constantFrom('serial' as const, 'virtio' as const, 'sclp' as const, 'sclplm' as const),
  },
  ['port'],
);
const anyConsole: fc.Arbitrary<ConsoleSpec> = fc.tuple(anySource(), port).map(([from, to]) => ({ ...from, ...to }));

kindTests(test, console, anyConsole);

badValues(test, console, [
  ...badSources({ port: 0 }),
  ['port', { pty: true }],
  ['target', { port: 0, pty: true, target: 'isa' }],
  ['unix.path', { port: 0, unix: {} }],
]);

test('it answers to its id and its port', () => {
  const xml = "<console type='pty'><target type='virtio' port='1'/><alias name='ua-hvc'/></console>";
  assert.equal(namesOf(xml), ['hvc', 'ua-hvc', '1']);
});

test('the mirror of the first serial port is neither added nor removed; a virtio console is', () => {
  for (const action of ['attach', 'detach'] as const) {
    for (const scope of ['live', 'config'] as const) {
      for (const target of [undefined, 'serial'] as const) {
        const mirror = { console: { port: 0, pty: true, ...(target ? { target } : {}) } } as const;
        assert.match(verdict(mirror, action, scope), /first serial port by another name/);
      }
      assert.is(verdict({ console: { port: 1, pty: true, target: 'virtio' } }, action, scope), 'yes');
    }
  }
});

test('while the guest runs it needs a virtio-serial controller', () => {
  const request = { attach: [{ console: { port: 1, pty: true, target: 'virtio' } }] } as const;
  const controller = "<controller type='virtio-serial' index='0'/>";
  assert.match(planned(request, '', { live: '' }).refusals[0]?.reason ?? '', /virtio-serial controller/);
  assert.equal(planned(request, controller, { live: controller }).refusals, []);
});

test.run();
