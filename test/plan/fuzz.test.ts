import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { LibvirtCanonicalError } from '../../src/errors.js';
import { type ChangeRequest, type Plan, planChanges } from '../../src/plan/index.js';
import { contextOf, fixtureNames } from '../support/fixtures.js';

const word = fc.constantFrom(
  'root',
  'lan',
  'cd',
  'log',
  'vda',
  'vdb',
  'vdc',
  'sda',
  'sdb',
  'ua-lan',
  'nope',
  'usb0',
  'pci1',
  'scsi0',
  '52:54:00:00:00:0a',
  'mouse-ps2',
  'memballoon',
  '',
);
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 2 });
const junk = fc.oneof(fc.anything({ maxDepth: 2 }), fc.constantFrom(null, -1, 1e99, '', 'x', {}, []));
const withoutUndefined = <T extends object>(value: T) =>
  Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined));
const diskSpec = fc
  .record({
    id: maybe(word),
    target: fc.constantFrom('vda', 'vdb', 'vdc', 'vdz', 'sda', 'sdc', 'sdh', 'hda', 'fda', 'zzz'),
    bus: maybe(fc.constantFrom('virtio', 'scsi', 'sata', 'usb', 'ide', 'fdc')),
    device: maybe(fc.constantFrom('disk', 'cdrom', 'floppy', 'lun')),
    file: maybe(fc.constantFrom('/img/a', '/host/images/root.qcow2')),
    boot: maybe(fc.integer({ min: -1, max: 4 })),
    serial: maybe(fc.constantFrom('S1', 'S2', '\u0007')),
  })
  .map(withoutUndefined);
const nicSpec = fc
  .record({
    id: maybe(word),
    user: maybe(fc.constantFrom(true, false)),
    network: maybe(fc.constant('default')),
    mac: maybe(fc.constantFrom('52:54:00:00:00:0a', '52:54:00:00:00:77', '01:00:00:00:00:00', 'x')),
    model: maybe(fc.constantFrom('virtio', 'rtl8139', 'e1000e')),
    boot: maybe(fc.integer({ min: 0, max: 4 })),
    link: maybe(fc.constantFrom('up', 'down')),
  })
  .map(withoutUndefined);
const xml = fc.oneof(
  fc.constantFrom(
    "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>",
    "<controller type='scsi' model='virtio-scsi'/>",
    "<input type='tablet' bus='usb'/>",
    '<disk><target/></disk>',
    "<interface><address type='pci' bus='1' slot='0'/></interface>",
    "<disk><boot order='x'/><address type='drive' unit='1'/></disk>",
    '<domain/>',
    '<a',
    '',
  ),
  fc.constantFrom('&', '<a>', '<!DOCTYPE a><a/>'),
);
const mostly = <T>(value: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 30, arbitrary: value as fc.Arbitrary<unknown> }, { weight: 1, arbitrary: junk });
const plain = fc.constantFrom(
  { disk: { id: 'new', target: 'vdt', file: '/img/new' } },
  { disk: { target: 'sdt', file: '/img/new2', boot: 8 } },
  { interface: { id: 'wan', user: true } },
  { interface: { user: true, mac: '52:54:00:00:00:78' } },
);
const attach = mostly(
  fc.oneof(
    { weight: 3, arbitrary: plain },
    { weight: 1, arbitrary: diskSpec.map((disk) => ({ disk })) },
    { weight: 1, arbitrary: nicSpec.map((nic) => ({ interface: nic })) },
    { weight: 1, arbitrary: xml },
  ),
);
/** Names that many of the fixtures know, so that requests get as far as a plan. */
const real = fc.constantFrom(
  { disk: 'root' },
  { disk: 'vda' },
  { disk: 'vdb' },
  { disk: 'log' },
  { disk: 'cd' },
  { interface: 'lan' },
  { interface: '52:54:00:00:00:0b' },
  { alias: 'ua-lan' },
  { interface: 'only-live' },
);
const invented = fc
  .tuple(fc.constantFrom('disk', 'interface', 'controller', 'alias', 'input', 'rng', 'memballoon', 'dsik'), word)
  .map(([kind, name]) => ({ [kind]: name }));
const selector = mostly(fc.oneof({ weight: 3, arbitrary: real }, { weight: 1, arbitrary: invented }));
const sensible = fc.constantFrom(
  { link: 'down' },
  { link: null },
  { boot: 5 },
  { boot: null },
  { serial: 'S2' },
  { file: null },
  {},
);
const update = mostly(
  fc.oneof(
    { weight: 3, arbitrary: fc.tuple(real, sensible).map(([named, set]) => ({ ...named, set })) },
    { weight: 1, arbitrary: fc.tuple(word, diskSpec).map(([name, { target: _, ...set }]) => ({ disk: name, set })) },
    {
      weight: 1,
      arbitrary: fc.tuple(word, nicSpec).map(([name, set]) => ({ interface: name, set: { ...set, mac: null } })),
    },
  ),
);
const settings = fc
  .record({
    vcpus: maybe(
      fc.oneof(
        fc.integer({ min: -1, max: 9 }),
        fc.record({ current: fc.integer({ max: 9 }), maximum: fc.integer({ max: 9 }) }),
        junk,
      ),
    ),
    memory: maybe(fc.oneof(fc.constantFrom('32 MiB', '1 GiB', '1 KB'), junk)),
    title: maybe(fc.oneof(fc.string(), junk)),
    metadata: maybe(fc.oneof(fc.dictionary(word, fc.record({ prefix: word, xml })), junk)),
    autostart: maybe(fc.oneof(fc.boolean(), junk)),
  })
  .map(withoutUndefined);
const request = fc
  .record({
    attach: maybe(
      fc.oneof({ weight: 8, arbitrary: fc.array(attach, { maxLength: 3 }) }, { weight: 1, arbitrary: junk }),
    ),
    detach: maybe(
      fc.oneof({ weight: 8, arbitrary: fc.array(selector, { maxLength: 3 }) }, { weight: 1, arbitrary: junk }),
    ),
    update: maybe(
      fc.oneof({ weight: 8, arbitrary: fc.array(update, { maxLength: 2 }) }, { weight: 1, arbitrary: junk }),
    ),
    set: maybe(fc.oneof({ weight: 8, arbitrary: settings }, { weight: 1, arbitrary: junk })),
    scope: maybe(fc.constantFrom('persistent', 'both', 'live', 'config', 'current')),
    ifNotLive: maybe(fc.constantFrom('refuse', 'next-boot')),
  })
  .map(withoutUndefined) as fc.Arbitrary<ChangeRequest>;

test('no request makes the planner fail but with an error of the library, and no operation is about what it does not name', () => {
  const names = fixtureNames.filter((name) => !name.includes('.live.')).map((name) => name.slice(0, -4));
  // Documents never change, so each is read once.
  const contexts = new Map(names.map((name) => [name, contextOf(name)]));
  let plans = 0;
  let operations = 0;
  fc.assert(
    fc.property(fc.constantFrom(...names), request, fc.boolean(), (name, asked, persistent) => {
      const context = { ...(contexts.get(name) ?? contextOf(name)), persistent };
      let made: Plan;
      try {
        made = planChanges(asked, context);
      } catch (error) {
        if (error instanceof LibvirtCanonicalError) return;
        throw error;
      }
      plans++;
      operations += made.operations.length;
      assert.type(String(made), 'string');
      assert.type(JSON.stringify(made), 'string');
      assert.ok(made.capacity.pci.freeAfter >= 0 && made.capacity.pci.freeAfter <= made.capacity.pci.total);
      const named = [
        ...(Array.isArray(asked.detach) ? asked.detach : []),
        ...(Array.isArray(asked.update) ? asked.update : []),
      ].flatMap((each) => Object.values(each as object).filter((value) => typeof value === 'string'));
      for (const { action, subject, call } of made.operations) {
        if (action === 'set') assert.ok(Object.keys(asked.set ?? {}).includes(subject), `${subject} is asked for`);
        if (action === 'attach') assert.ok(asked.attach?.length, 'an attach is asked for');
        if (action === 'detach' || action === 'update') {
          const both = [...context.canonical.devices, ...(context.live?.devices ?? [])];
          const subjects = both.filter((device) => device.identity === subject);
          const known = subjects.flatMap((device) => [...device.names, device.alias]);
          assert.ok(
            named.some((each) => known.some((one) => one?.toLowerCase() === each.toLowerCase())),
            `${subject} is named`,
          );
        }
        if (action !== 'set') assert.match(call.procedure, /^DOMAIN_(ATTACH|DETACH|UPDATE)_DEVICE_(FLAGS|ALIAS)$/);
        if ('flags' in call.args) assert.ok([1, 2, 3, 6].includes(call.args.flags), 'never CURRENT');
      }
      // Two attaches never share a place, and none takes one that somebody has who stays.
      const places = made.operations
        .filter(({ action }) => action === 'attach')
        .map(({ address }) => address)
        .filter(Boolean);
      assert.is(new Set(places).size, places.length, 'places of their own');
    }),
    { numRuns: 2000 },
  );
  assert.ok(plans > 250 && operations > 50, `the requests are worth trying: ${plans} plans, ${operations} operations`);
});

test.run();
