import { formatValue, specInvalid } from '../values.js';
import { type Field, type FieldTable, flag, group, integer, oneOf, text } from './fields.js';
import type { DeviceKind } from './kind.js';
import { defineOnly, NO_UPDATE } from './rows.js';

/** An audio backend of the host. libvirt: `<audio>`. Only in the definition; it has no alias and no address. */
export interface AudioSpec {
  /** Number by which sound cards and displays refer to it, from 1. libvirt: `id`. */
  readonly number: number;
  /** Where the sound goes. `none`: nowhere. */
  readonly type: 'none' | 'alsa' | 'coreaudio' | 'dbus' | 'file' | 'jack' | 'oss' | 'pulseaudio' | 'sdl' | 'spice';
  /** Milliseconds between two rounds of the mixer, 10 when left out; whole microseconds. */
  readonly timerPeriod?: number | undefined;
  /** What QEMU records from. */
  readonly input?: AudioStreamSpec | undefined;
  /** What QEMU plays to. */
  readonly output?: AudioStreamSpec | undefined;
  /** Of file: where the sound is written. */
  readonly path?: string | undefined;
  /** Of pulseaudio: host name of the server. */
  readonly serverName?: string | undefined;
  /** Of sdl: its own backend. */
  readonly driver?: 'esd' | 'alsa' | 'arts' | 'pulseaudio' | undefined;
  /** Of oss. */
  readonly oss?:
    | {
        readonly tryMMap?: boolean | undefined;
        readonly exclusive?: boolean | undefined;
        readonly dspPolicy?: number | undefined;
      }
    | undefined;
}

/** One direction of an audio backend. Fields that only some backends have name them. */
export interface AudioStreamSpec {
  /** QEMU mixes and converts by itself. */
  readonly mixingEngine?: boolean | undefined;
  /** Takes `settings` instead of what the guest asks for. */
  readonly fixedSettings?: boolean | undefined;
  readonly settings?:
    | {
        /** In Hz. */
        readonly frequency?: number | undefined;
        readonly channels?: number | undefined;
        readonly format?: 's8' | 'u8' | 's16' | 'u16' | 's32' | 'u32' | 'f32' | undefined;
      }
    | undefined;
  /** Sounds at once. */
  readonly voices?: number | undefined;
  /** Milliseconds of sound in the buffer; whole microseconds. */
  readonly bufferLength?: number | undefined;
  /** Of alsa and oss: the device. */
  readonly dev?: string | undefined;
  /** Of coreaudio, oss and sdl. */
  readonly bufferCount?: number | undefined;
  /** Of oss: polls instead of waiting for a timer. */
  readonly tryPoll?: boolean | undefined;
  /** Of pulseaudio: the sink or source. */
  readonly name?: string | undefined;
  /** Of pulseaudio: how the server calls the stream. */
  readonly streamName?: string | undefined;
  /** Of pulseaudio: milliseconds that the server may take; whole microseconds. */
  readonly latency?: number | undefined;
  /** Of jack. */
  readonly serverName?: string | undefined;
  /** Of jack. */
  readonly clientName?: string | undefined;
  /** Of jack: a regular expression of ports to connect to. */
  readonly connectPorts?: string | undefined;
  /** Of jack: fails when the client's name is taken. */
  readonly exactName?: boolean | undefined;
}

/** A time in milliseconds that XML says in microseconds. */
function microseconds(path: string): Field<number> {
  return {
    paths: [path],
    schema: { type: 'number', exclusiveMinimum: 0, description: 'Milliseconds' },
    encode(value, where) {
      const whole = typeof value === 'number' ? Math.round(value * 1000) : Number.NaN;
      if (!(whole >= 1 && whole <= 0xffffffff && whole / 1000 === value))
        throw specInvalid(
          where,
          `${formatValue(value)} is not a number of whole microseconds`,
          'Give 0.001 ms or more',
        );
      return [[path, String(whole)]];
    },
    decode: (leaves) => {
      const value = leaves.get(path);
      return value === undefined ? undefined : Number(value) / 1000;
    },
  };
}

const stream = (at: 'input' | 'output') => {
  const fields: FieldTable<AudioStreamSpec> = {
    mixingEngine: flag(`${at}/@mixingEngine`),
    fixedSettings: flag(`${at}/@fixedSettings`),
    settings: group({
      frequency: integer(`${at}/settings/@frequency`, { min: 1 }),
      channels: integer(`${at}/settings/@channels`, { min: 1 }),
      format: oneOf(`${at}/settings/@format`, ['s8', 'u8', 's16', 'u16', 's32', 'u32', 'f32']),
    }),
    voices: integer(`${at}/@voices`, { min: 1 }),
    bufferLength: microseconds(`${at}/@bufferLength`),
    dev: text(`${at}/@dev`),
    bufferCount: integer(`${at}/@bufferCount`, { min: 1 }),
    tryPoll: flag(`${at}/@tryPoll`),
    name: text(`${at}/@name`),
    streamName: text(`${at}/@streamName`),
    latency: microseconds(`${at}/@latency`),
    serverName: text(`${at}/@serverName`),
    clientName: text(`${at}/@clientName`),
    connectPorts: text(`${at}/@connectPorts`),
    exactName: flag(`${at}/@exactName`),
  };
  return group(fields);
};

/** Fields that only some backends have: the path, in a stream or in the element, the field and the backends. */
const ONLY: ReadonlyArray<readonly [path: string, field: string, ...types: string[]]> = [
  ['@path', 'path', 'file'],
  ['@serverName', 'serverName', 'pulseaudio'],
  ['@driver', 'driver', 'sdl'],
  ['@tryMMap', 'oss', 'oss'],
  ['@exclusive', 'oss', 'oss'],
  ['@dspPolicy', 'oss', 'oss'],
  ...(['input', 'output'] as const).flatMap((at) =>
    (
      [
        ['dev', 'alsa', 'oss'],
        ['bufferCount', 'coreaudio', 'oss', 'sdl'],
        ['tryPoll', 'oss'],
        ['name', 'pulseaudio'],
        ['streamName', 'pulseaudio'],
        ['latency', 'pulseaudio'],
        ['serverName', 'jack'],
        ['clientName', 'jack'],
        ['connectPorts', 'jack'],
        ['exactName', 'jack'],
      ] as const
    ).map(([field, ...types]) => [`${at}/@${field}`, `${at}.${field}`, ...types] as const),
  ),
];

export const audio: DeviceKind<AudioSpec> = {
  element: 'audio',
  fields: {
    number: integer('@id', { min: 1, max: 255 }),
    type: oneOf('@type', ['none', 'alsa', 'coreaudio', 'dbus', 'file', 'jack', 'oss', 'pulseaudio', 'sdl', 'spice']),
    timerPeriod: microseconds('@timerPeriod'),
    input: stream('input'),
    output: stream('output'),
    path: text('@path'),
    serverName: text('@serverName'),
    driver: oneOf('@driver', ['esd', 'alsa', 'arts', 'pulseaudio']),
    oss: group({ tryMMap: flag('@tryMMap'), exclusive: flag('@exclusive'), dspPolicy: integer('@dspPolicy') }),
  },
  required: ['number', 'type'],
  check(leaves, where) {
    const type = leaves.get('@type') ?? '';
    for (const [path, field, ...types] of ONLY)
      if (leaves.has(path) && !types.includes(type))
        throw specInvalid(`${where}.${field}`, `a ${type} backend has none`, `Only ${types.join(', ')}`);
    for (const at of ['input', 'output'])
      if (leaves.has(`${at}/settings/@frequency`) && leaves.get(`${at}/@fixedSettings`) !== 'yes')
        throw specInvalid(`${where}.${at}.settings`, 'goes with fixedSettings only', 'Add fixedSettings: true');
  },
  names: (leaves) => [leaves.get('@id')],
  unique: { '@id': 'audio number' },
  support: defineOnly('audio backends'),
  ...NO_UPDATE,
  abi: [],
  implicit: [{ where: { '@id': ['1'] }, only: true, source: 'qemuDomainDefAddDefaultAudioBackend' }],
  liveOnly: [],
  bus: () => undefined,
};
