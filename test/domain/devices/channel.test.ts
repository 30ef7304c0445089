import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type ChannelSpec, channel } from '../../../src/domain/devices/channel.js';
import { anySource, badSources } from './chr-sources.js';
import { badValues, build, contextOf, kindTests, namesOf, planned, some, values, verdict } from './support.js';

const test = suite('channel');

const agent = some({ clipboard: fc.boolean(), mouse: fc.constantFrom('server' as const, 'client' as const) });
const source = anySource<Partial<ChannelSpec>>(
  fc.record({ spicevmc: values.yes }),
  fc.record({ dbus: values.name }),
  fc.record({ qemuVdagent: fc.oneof(agent, fc.constant({})) }),
);
const target = fc.oneof(
  fc.record({ name: values.name }),
  fc.record({ guestfwd: fc.record({ address: fc.ipV4(), port: values.port }) }),
);
const place = fc.record(
  { id: values.id, address: fc.constantFrom('virtio-serial 0:0:1', 'virtio-serial 12:0:30') },
  { requiredKeys: [] },
);
const anyChannel: fc.Arbitrary<ChannelSpec> = fc
  .tuple(source, target, place)
  .map(([from, to, where]) => ({ ...from, ...to, ...where }));

kindTests(test, channel, anyChannel);

badValues(test, channel, [
  ...badSources({ name: 'a' }),
  ['', { name: 'a', spicevmc: true, pty: true }],
  ['', { name: 'a', guestfwd: { address: '10.0.2.9', port: 1 }, pty: true }],
  ['name', { pty: true }],
  ['unix.mode', { name: 'a', unix: { mode: 'bind' } }],
  ['unix.reconnect', { name: 'a', unix: { reconnect: { enabled: false } } }],
  ['guestfwd.port', { pty: true, guestfwd: { address: '10.0.2.9' } }],
  ['unix.path', { guestfwd: { address: '10.0.2.9', port: 1 }, unix: { mode: 'bind' } }],
  ['qemuVdagent.mouse', { name: 'a', qemuVdagent: { mouse: 'both' } }],
]);

test('libvirt makes the socket of a named channel, and names the SPICE agent', () => {
  assert.not(build(channel, { name: 'a', unix: {} }).has('source/@path'));
  assert.is(build(channel, { spicevmc: true }).get('target/@type'), 'virtio');
});

test('it answers to its id and its name, or where it leads', () => {
  const xml = "<channel type='pty'><target type='virtio' name='org.a'/><alias name='ua-agent'/></channel>";
  assert.equal(namesOf(xml), ['agent', 'ua-agent', 'org.a']);
  const forward = "<channel type='pty'><target type='guestfwd' address='10.0.2.9' port='80'/></channel>";
  assert.equal(namesOf(forward), ['10.0.2.9:80']);
});

test('sources that QEMU cannot add while it runs', () => {
  for (const source of [{ spiceport: 'a' }, { pipe: '/a' }, { stdio: true }] as const) {
    assert.match(
      verdict({ channel: { name: 'a', ...source } }, 'attach', 'live'),
      /of this type cannot be hot-plugged/,
    );
    assert.is(verdict({ channel: { name: 'a', ...source } }, 'attach', 'config'), 'yes');
  }
});

test('it comes and goes live and in the canonical document', () => {
  for (const action of ['attach', 'detach'] as const)
    for (const scope of ['live', 'config'] as const)
      assert.is(verdict({ channel: { name: 'a', pty: true } }, action, scope), 'yes');
});

const controller = "<controller type='virtio-serial' index='0'/>";
const request = { attach: [{ channel: { name: 'a', pty: true } }] } as const;

test('while the guest runs it needs a virtio-serial controller', () => {
  const [refusal] = planned(request, '', { live: '' }).refusals;
  assert.match(refusal?.reason ?? '', /virtio-serial controller/);
  assert.is(planned(request, controller, { live: controller }).operations[0]?.address, 'virtio-serial 0:0:1');
  assert.is(
    planned({ attach: [{ channel: { guestfwd: { address: '10.0.2.9', port: 1 }, pty: true } }] }, '', { live: '' })
      .refusals.length,
    0,
  );
});

test('the canonical document gets its controller from libvirt', () => {
  assert.equal(planned(request, '').refusals, []);
});

test('what the guest does with it is no difference between the documents', () => {
  const inside = (source: string, state: string) =>
    `<channel type='unix'>${source}<target type='virtio' name='a'${state}/></channel>`;
  const { canonical, live } = contextOf(inside('', ''), {
    live: inside("<source mode='bind' path='/run/a'/>", " state='connected'"),
  });
  const filled = [...(live?.devices[0]?.leaves.keys() ?? [])].filter((path) => !canonical.devices[0]?.leaves.has(path));
  assert.equal(filled, ['source/@mode', 'source/@path', 'target/@state']);
  for (const path of filled)
    assert.ok(
      channel.liveOnly.some((row) => row.path === path),
      path,
    );
});

test.run();
