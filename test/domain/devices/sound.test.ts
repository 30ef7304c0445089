import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type SoundSpec, sound } from '../../../src/domain/devices/sound.js';
import { badValues, build, kindTests, namesOf, some, values, verdict } from './support.js';

const test = suite('sound');

const any = { id: values.id, address: values.pciAddress, audio: fc.integer({ min: 1, max: 255 }) };
const codec = fc.record({ type: fc.constantFrom('duplex' as const, 'micro' as const, 'output' as const) });
const anySound: fc.Arbitrary<SoundSpec> = fc.oneof(
  some(
    {
      model: fc.constantFrom('ich6' as const, 'ich9' as const),
      ...any,
      codecs: fc.array(codec, { minLength: 1, maxLength: 3 }),
    },
    ['model'],
  ),
  some({ model: fc.constantFrom(...(['ac97', 'es1370', 'sb16', 'pcspk'] as const)), ...any }, ['model']),
  some({ model: fc.constant('usb' as const), ...any, multichannel: fc.boolean() }, ['model']),
);

kindTests(test, sound, anySound);

badValues(test, sound, [
  ['model', {}],
  ['model', { model: 'gus' }],
  ['codecs', { model: 'ac97', codecs: [{ type: 'duplex' }] }],
  ['codecs[1].type', { model: 'ich9', codecs: [{ type: 'duplex' }, { type: 'mono' }] }],
  ['audio', { model: 'ich9', audio: 0 }],
  ['multichannel', { model: 'ich9', multichannel: true }],
]);

test('it answers to its id and its place', () => {
  assert.equal(namesOf("<sound model='ich9'><alias name='ua-s'/></sound>").slice(0, 2), ['s', 'ua-s']);
});

test('it comes and goes at a cold boot only, from libvirt 6.0.0 on both ways', () => {
  const card = { sound: { model: 'ich9' } } as const;
  for (const action of ['attach', 'detach'] as const) {
    assert.match(verdict(card, action, 'live'), /no hot-plug of sound cards/);
    assert.is(verdict(card, action, 'config'), 'yes');
  }
  assert.match(verdict(card, 'detach', 'config', '5.10.0'), /needs libvirt 6\.0\.0/);
  assert.is.not(verdict(card, 'attach', 'config', '5.9.0'), 'yes');
});

test('a libvirt that would drop multichannel is told nothing of it', () => {
  const card = { sound: { model: 'usb', multichannel: true } } as const;
  assert.match(verdict(card, 'attach', 'config'), /needs libvirt 9\.4\.0/);
  assert.is(verdict(card, 'attach', 'config', '9.4.0'), 'yes');
});

test('it takes a place on its bus', () => {
  const demand = (model: SoundSpec['model']) => sound.bus(build(sound, { model }));
  assert.equal(demand('usb'), { type: 'usb' });
  assert.equal(demand('ich9'), { type: 'pci', slot: 'conventional' });
  assert.is(demand('sb16'), undefined);
});

test.run();
