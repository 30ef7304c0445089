import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type GraphicsSpec, graphics } from '../../../src/domain/devices/graphics.js';
import { badValues, build, kindTests, namesOf, planned, sent, some, values, verdict } from './support.js';

const test = suite('graphics');

const listen = fc.oneof(
  fc.record({ listen: values.name }),
  fc.record({ network: values.name }),
  fc.record({ socket: fc.oneof(values.path, fc.constant('auto')) }),
  fc.record({ noListen: values.yes }),
  fc.constant({}),
);
const validTo = fc
  .date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true })
  .map((date) => date.toISOString().slice(0, 19));
const secret = (connected: fc.Arbitrary<'keep' | 'disconnect' | 'fail'>) =>
  fc.oneof(
    fc.constant({}),
    some({ passwd: fc.stringMatching(/^[\w<>&"']{1,8}$/), passwdValidTo: validTo, connected }, ['passwd']),
  );
const auto = fc.record({ autoport: values.yes });
const keymap = fc.constantFrom('de', 'en-us');
const audio = fc.integer({ min: 1, max: 255 });
const rendernode = values.path;
const merged = <T extends object>(...parts: Array<fc.Arbitrary<T>>) =>
  fc.tuple(...parts).map((all) => Object.assign({}, ...all) as GraphicsSpec);

const vnc = merged<Partial<GraphicsSpec>>(
  listen,
  secret(fc.constant('keep')),
  fc.oneof(auto, fc.record({ port: values.port }), fc.constant({})),
  some(
    {
      type: fc.constant('vnc' as const),
      websocket: fc.oneof(values.port, fc.constant('auto' as const)),
      keymap,
      sharePolicy: fc.constantFrom('allow-exclusive' as const, 'force-shared' as const, 'ignore' as const),
      powerControl: fc.boolean(),
      audio,
    },
    ['type'],
  ),
);
const compression = fc.constantFrom('auto' as const, 'never' as const, 'always' as const);
const security = fc.constantFrom('any' as const, 'secure' as const, 'insecure' as const);
const spice = merged<Partial<GraphicsSpec>>(
  listen,
  secret(fc.constantFrom('keep', 'disconnect', 'fail')),
  fc.oneof(auto, some({ port: values.port, tlsPort: values.port })),
  some(
    {
      type: fc.constant('spice' as const),
      keymap,
      gl: some({ enable: fc.boolean(), rendernode }),
      spice: some({
        defaultMode: security,
        channels: fc.array(
          fc.record({
            name: fc.constantFrom(
              ...(['main', 'display', 'inputs', 'cursor', 'playback', 'record', 'smartcard', 'usbredir'] as const),
            ),
            mode: security,
          }),
          { minLength: 1, maxLength: 3 },
        ),
        image: fc.constantFrom(...(['auto_glz', 'auto_lz', 'quic', 'glz', 'lz', 'off'] as const)),
        jpeg: compression,
        zlib: compression,
        playback: fc.boolean(),
        streaming: fc.constantFrom('filter' as const, 'all' as const, 'off' as const),
        mouse: fc.constantFrom('server' as const, 'client' as const),
        copypaste: fc.boolean(),
        filetransfer: fc.boolean(),
      }),
    },
    ['type'],
  ),
);
const others: Array<fc.Arbitrary<GraphicsSpec>> = [
  some({ type: fc.constant('sdl' as const), display: values.name, xauth: values.path, fullscreen: fc.boolean() }, [
    'type',
  ]),
  some({ type: fc.constant('egl-headless' as const), gl: fc.record({ rendernode }) }, ['type']),
  some({ type: fc.constant('dbus' as const), audio, dbus: some({ address: values.name, p2p: fc.boolean() }) }, [
    'type',
  ]),
  some({ type: fc.constant('rdp' as const), port: values.port }, ['type']),
  some({ type: fc.constant('desktop' as const), display: values.name, fullscreen: fc.boolean() }, ['type']),
];

kindTests(test, graphics, fc.oneof(vnc, spice, ...others));

badValues(test, graphics, [
  ['type', {}],
  ['type', { type: 'x11' }],
  ['port', { type: 'vnc', port: 0 }],
  ['', { type: 'vnc', port: 5900, autoport: true }],
  ['', { type: 'spice', tlsPort: 5901, autoport: true }],
  ['tlsPort', { type: 'vnc', tlsPort: 5901 }],
  ['websocket', { type: 'spice', websocket: 5700 }],
  ['autoport', { type: 'vnc', autoport: false }],
  ['', { type: 'vnc', listen: '::1', socket: 'auto' }],
  ['socket', { type: 'vnc', socket: 'vnc.sock' }],
  ['listen', { type: 'sdl', listen: '::1' }],
  ['passwd', { type: 'vnc', passwd: 'nine chars' }],
  ['passwd', { type: 'sdl', passwd: 'x' }],
  ['passwdValidTo', { type: 'vnc', passwd: 'x', passwdValidTo: 'tomorrow' }],
  ['passwdValidTo', { type: 'vnc', passwdValidTo: '2030-01-01T00:00:00' }],
  ['connected', { type: 'vnc', passwd: 'x', connected: 'fail' }],
  ['connected', { type: 'spice', connected: 'keep' }],
  ['keymap', { type: 'vnc', keymap: '' }],
  ['sharePolicy', { type: 'spice', sharePolicy: 'ignore' }],
  ['spice', { type: 'vnc', spice: { jpeg: 'never' } }],
  ['spice.channels[0].mode', { type: 'spice', spice: { channels: [{ name: 'main', mode: 'tls' }] } }],
  ['gl', { type: 'vnc', gl: { enable: true } }],
  ['display', { type: 'vnc', display: ':0' }],
  ['dbus', { type: 'vnc', dbus: { p2p: true } }],
  ['audio', { type: 'spice', audio: 1 }],
]);

test('it answers to its type', () => {
  assert.equal(namesOf("<graphics type='vnc' port='-1'/>"), ['vnc']);
});

test('what libvirt chose is not the spec of anybody', () => {
  assert.not(build(graphics, { type: 'vnc' }).has('@port'));
  const live = new Map([
    ['@type', 'vnc'],
    ['@port', '5901'],
    ['@autoport', 'yes'],
  ]);
  assert.is(graphics.fields.port.decode(live), undefined);
  assert.is(graphics.fields.port.decode(new Map([['@port', '-1']])), undefined);
});

test('it is in the definition or not at all', () => {
  for (const action of ['attach', 'detach'] as const)
    for (const scope of ['live', 'config'] as const)
      assert.match(verdict({ graphics: { type: 'vnc' } }, action, scope), /displays/);
});

const canonical =
  "<graphics type='vnc' port='-1' autoport='yes' passwd='old'><listen type='address'/><odd/></graphics>";
const live =
  "<graphics type='vnc' port='5900' autoport='yes' listen='127.0.0.1' passwd='old'><listen type='address' address='127.0.0.1'/></graphics>";

test('a password changes live, in the element as it runs, and never shows', () => {
  const request = { update: [{ graphics: 'vnc', set: { passwd: 'hush' } }] } as const;
  const both = planned(request, canonical, { live });
  assert.equal(both.refusals, []);
  assert.equal(
    both.operations.map(({ scope }) => scope),
    ['live', 'config'],
  );
  const [running] = both.operations.map(({ call }) => (call.args as { xml: string }).xml);
  assert.match(running ?? '', /port="5900".*address="127.0.0.1"/);
  assert.match(running ?? '', /passwd="hush"/);
  assert.not.match(both.toString(), /hush/);
  const config = sent(planned(request, canonical));
  assert.is(config.get('@passwd'), 'hush');
  assert.ok(config.has('odd'), 'what a spec cannot say is kept');
});

test('even when both documents have the same port, the running element is the one that is sent live', () => {
  const fixed = (listen: string) => `<graphics type='vnc' port='5999' autoport='no' passwd='old'${listen}</graphics>`;
  const request = { update: [{ graphics: 'vnc', set: { passwd: 'hush' } }] } as const;
  const plan = planned(request, fixed("><listen type='address'/>"), {
    live: fixed(" listen='127.0.0.1'><listen type='address' address='127.0.0.1'/>"),
  });
  assert.equal(
    plan.operations.map(({ scope }) => scope),
    ['live', 'config'],
  );
});

test('a first password waits for the next boot', () => {
  const plan = planned({ update: [{ graphics: 'vnc', set: { passwd: 'hush' } }] }, "<graphics type='vnc'/>", {
    live: "<graphics type='vnc'/>",
  });
  assert.equal(
    plan.operations.map(({ scope }) => scope),
    ['config'],
  );
  assert.match(plan.operations[0]?.reason ?? '', /@passwd: libvirt refuses to change it live/);
});

test('other fields wait for the next boot', () => {
  const plan = planned({ update: [{ graphics: 'vnc', set: { keymap: 'de', sharePolicy: 'ignore' } }] }, canonical, {
    live,
  });
  assert.equal(
    plan.operations.map(({ scope }) => scope),
    ['config'],
  );
  assert.match(plan.operations[0]?.reason ?? '', /sharePolicy: a live update says success but ignores it/);
  assert.match(plan.operations[0]?.reason ?? '', /keymap: libvirt refuses to change it live/);
});

test('a port of one’s own takes the place of libvirt’s choice, and back', () => {
  const own = sent(planned({ update: [{ graphics: 'vnc', set: { port: 5999 } }] }, canonical));
  assert.equal([own.get('@port'), own.get('@autoport')], ['5999', 'no']);
  const fixed = "<graphics type='vnc' port='5999' autoport='no'/>";
  const back = sent(planned({ update: [{ graphics: 'vnc', set: { autoport: true } }] }, fixed));
  assert.equal([back.get('@port'), back.get('@autoport')], [undefined, 'yes']);
  assert.ok(planned({ update: [{ graphics: 'vnc', set: { autoport: true } }] }, canonical).isEmpty);
});

test('a new address takes the place of the old one in both its places', () => {
  const old =
    "<graphics type='vnc' port='-1' autoport='yes' listen='::1'><listen type='address' address='::1'/></graphics>";
  const now = sent(planned({ update: [{ graphics: 'vnc', set: { listen: '0.0.0.0' } }] }, old));
  assert.equal([now.get('@listen'), now.get('listen/@address')], [undefined, '0.0.0.0']);
  assert.ok(planned({ update: [{ graphics: 'vnc', set: { listen: '::1' } }] }, old).isEmpty);
  const socket = sent(planned({ update: [{ graphics: 'vnc', set: { socket: 'auto' } }] }, old));
  assert.equal(
    [socket.get('listen/@type'), socket.get('listen/@address'), socket.get('@listen')],
    ['socket', undefined, undefined],
  );
});

test('its type is its name and cannot change', () => {
  const [refusal] = planned(
    { update: [{ graphics: 'vnc', set: { type: 'spice' } }] },
    "<graphics type='vnc'/>",
  ).refusals;
  assert.match(refusal?.reason ?? '', /@type is what the device is known by/);
});

test.run();
