import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type WatchdogSpec, watchdog } from '../../../src/domain/devices/watchdog.js';
import { badValues, kindTests, namesOf, planned, some, values, verdict } from './support.js';

const test = suite('watchdog');

const anyWatchdog: fc.Arbitrary<WatchdogSpec> = some(
  {
    id: values.id,
    address: values.pciAddress,
    model: fc.constantFrom('i6300esb' as const, 'ib700' as const, 'diag288' as const, 'itco' as const),
    action: fc.constantFrom(...(['reset', 'shutdown', 'poweroff', 'pause', 'none', 'dump', 'inject-nmi'] as const)),
  },
  ['model'],
);

kindTests(test, watchdog, anyWatchdog);

badValues(test, watchdog, [
  ['model', {}],
  ['model', { model: 'rex' }],
  ['action', { model: 'ib700', action: 'bark' }],
]);

test('it answers to its id and its model', () => {
  assert.equal(namesOf("<watchdog model='ib700' action='reset'><alias name='ua-w'/></watchdog>"), [
    'w',
    'ua-w',
    'ib700',
  ]);
});

test('only i6300esb comes and goes while the guest runs; iTCO belongs to the machine', () => {
  for (const action of ['attach', 'detach'] as const) {
    assert.is(verdict({ watchdog: { model: 'i6300esb' } }, action, 'live'), 'yes');
    assert.match(verdict({ watchdog: { model: 'ib700' } }, action, 'live'), /only i6300esb/);
    assert.is(verdict({ watchdog: { model: 'ib700' } }, action, 'config'), 'yes');
    assert.match(verdict({ watchdog: { model: 'itco' } }, action, 'config'), /part of the q35 machine/);
  }
});

test('a domain has one before libvirt 9.1.0', () => {
  const there = "<watchdog model='i6300esb' action='reset'/>";
  const request = { attach: [{ watchdog: { id: 'two', model: 'ib700' } }] } as const;
  assert.match(planned(request, there).refusals[0]?.reason ?? '', /at most 1 watchdog/);
  assert.equal(planned(request, there, { libvirt: '9.1.0' }).refusals, []);
});

test('an ib700 belongs to i440fx machines since libvirt 9.3.0', () => {
  const request = { attach: [{ watchdog: { model: 'ib700' } }] } as const;
  assert.equal(planned(request, '', { libvirt: '9.2.0' }).refusals, []);
  assert.match(planned(request, '', { libvirt: '9.3.0' }).refusals[0]?.reason ?? '', /belongs to i440fx machines/);
});

test('all watchdogs of a domain have one action since libvirt 9.1.0', () => {
  const there = "<watchdog model='itco' action='reset'/>";
  const attach = (action?: 'pause') =>
    ({ attach: [{ watchdog: { model: 'i6300esb', ...(action && { action }) } }] }) as const;
  const reasons = (action: 'pause' | undefined, document: string) =>
    planned(attach(action), document, { libvirt: '11.3.0' }).refusals.map(({ reason }) => reason);
  assert.equal(reasons(undefined, there), []);
  assert.equal(reasons('pause', ''), []);
  assert.match(reasons('pause', there)[0] ?? '', /one @action, and that of watchdog itco is reset/);
  const two = { attach: [...attach().attach, ...attach('pause').attach] };
  assert.match(planned(two, '', { libvirt: '11.3.0' }).refusals[0]?.reason ?? '', /one @action/);
  const gone = { detach: [{ watchdog: 'i6300esb' }], ...attach('pause'), replace: 'allow' } as const;
  assert.equal(planned(gone, "<watchdog model='i6300esb' action='reset'/>", { libvirt: '11.3.0' }).refusals, []);
});

test.run();
