import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type AudioSpec, audio } from '../../../src/domain/devices/audio.js';
import { badValues, build, kindTests, namesOf, some, values, verdict } from './support.js';

const test = suite('audio');

const count = fc.integer({ min: 1, max: 65535 });
const time = fc.integer({ min: 1, max: 10_000_000 }).map((microseconds) => microseconds / 1000);
const stream = (more: Record<string, fc.Arbitrary<unknown>>) =>
  fc.oneof(
    some({ mixingEngine: fc.boolean(), voices: count, bufferLength: time, ...more }),
    fc.record({
      fixedSettings: fc.constant(true),
      settings: some({
        frequency: count,
        channels: fc.integer({ min: 1, max: 8 }),
        format: fc.constantFrom('s8', 'u8', 's16', 'u16', 's32', 'u32', 'f32'),
      }),
    }),
  );
const backend = (type: AudioSpec['type'], more: Record<string, fc.Arbitrary<unknown>>, ends: typeof more = {}) =>
  some(
    {
      number: fc.integer({ min: 1, max: 255 }),
      type: fc.constant(type),
      timerPeriod: time,
      input: stream(ends),
      output: stream(ends),
      ...more,
    },
    ['number', 'type'],
  ) as unknown as fc.Arbitrary<AudioSpec>;
const anyAudio: fc.Arbitrary<AudioSpec> = fc.oneof(
  backend('none', {}),
  backend('spice', {}),
  backend('dbus', {}),
  backend('file', { path: values.path }),
  backend('alsa', {}, { dev: values.name }),
  backend('coreaudio', {}, { bufferCount: count }),
  backend('sdl', { driver: fc.constantFrom('esd', 'alsa', 'arts', 'pulseaudio') }, { bufferCount: count }),
  backend('pulseaudio', { serverName: values.name }, { name: values.name, streamName: values.name, latency: time }),
  backend(
    'oss',
    { oss: some({ tryMMap: fc.boolean(), exclusive: fc.boolean(), dspPolicy: fc.nat(9) }) },
    { dev: values.name, bufferCount: count, tryPoll: fc.boolean() },
  ),
  backend(
    'jack',
    {},
    { serverName: values.name, clientName: values.name, connectPorts: values.name, exactName: fc.boolean() },
  ),
);

kindTests(test, audio, anyAudio);

const none = { number: 1, type: 'none' } as const;
badValues(test, audio, [
  ['number', { type: 'none' }],
  ['type', { number: 1 }],
  ['number', { ...none, number: 0 }],
  ['type', { ...none, type: 'arts' }],
  ['timerPeriod', { ...none, timerPeriod: 0.0001 }],
  ['timerPeriod', { ...none, timerPeriod: '10' }],
  ['path', { ...none, path: '/a' }],
  ['serverName', { ...none, serverName: 'a' }],
  ['driver', { ...none, driver: 'alsa' }],
  ['oss', { ...none, oss: { exclusive: true } }],
  ['input.dev', { ...none, input: { dev: 'a' } }],
  ['output.exactName', { ...none, output: { exactName: true } }],
  ['output.settings', { ...none, output: { settings: { frequency: 44100 } } }],
  ['output.settings.format', { ...none, output: { fixedSettings: true, settings: { format: 's24' } } }],
]);

test('times are in microseconds in XML', () => {
  assert.is(build(audio, { ...none, timerPeriod: 2.5 }).get('@timerPeriod'), '2500');
});

test('it answers to its number', () => {
  assert.equal(namesOf("<audio id='2' type='none'/>"), ['2']);
});

test('it is in the definition or not at all', () => {
  for (const action of ['attach', 'detach'] as const)
    for (const scope of ['live', 'config'] as const)
      assert.match(verdict({ audio: none }, action, scope), /audio backends/);
});

test.run();
