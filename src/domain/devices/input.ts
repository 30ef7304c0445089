import { specInvalid } from '../values.js';
import {
  constant,
  deviceFields,
  flag,
  group,
  oneOf,
  text,
  VIRTIO_ABI,
  type VirtioDriverSpec,
  virtioDriverFields,
  whole,
} from './fields.js';
import type { DeviceKind, DeviceSpecBase } from './kind.js';
import { CONFIG, can, cannot, NO_UPDATE } from './rows.js';
import { virtioSlot } from './virtio.js';

/** A mouse, keyboard or tablet. libvirt: `<input>`. One of `type`, `passthrough` and `evdev` says what it is. */
export interface InputSpec extends DeviceSpecBase {
  /** An emulated device. A tablet follows the pointer of a remote display without grabbing it. */
  readonly type?: 'mouse' | 'keyboard' | 'tablet' | undefined;
  /** Path of a host device under `/dev/input` that the guest gets whole, as a virtio device. */
  readonly passthrough?: string | undefined;
  /** A host device whose events QEMU hands on. */
  readonly evdev?: InputEvdevSpec | undefined;
  /** Default: `ps2` for a mouse or keyboard on a PC, `virtio` for passthrough, else `usb`. ps2 has no hot-plug. */
  readonly bus?: 'usb' | 'ps2' | 'virtio' | undefined;
  /** Model on the virtio bus: QEMU has no transitional ones here. */
  readonly model?: 'virtio' | undefined;
  readonly driver?: VirtioDriverSpec | undefined;
}

/** libvirt: `<source>` of an input of type evdev. */
export interface InputEvdevSpec {
  /** Path under `/dev/input`. */
  readonly path: string;
  /** Grabs every such device with this one. */
  readonly grabAll?: true | undefined;
  /** Keys that give the device to the guest and back. */
  readonly grabToggle?:
    | 'ctrl-ctrl'
    | 'alt-alt'
    | 'shift-shift'
    | 'meta-meta'
    | 'scrolllock'
    | 'ctrl-scrolllock'
    | undefined;
  /** Repeats keys that are held. */
  readonly repeat?: boolean | undefined;
}

const path = { pattern: /^\//, expected: 'an absolute path' };
const PS2 = { '@type': ['mouse', 'keyboard'], '@bus': ['ps2'] };
const EMULATED = { '@type': ['mouse', 'keyboard', 'tablet'] };
const X86 = { 'os/type/@arch': ['x86_64', 'i686'] };
const POST_PARSE = 'virDomainInputDefPostParse';
const HOT_BUSES = { '@bus': ['usb', 'virtio'] };
const reason = 'only input devices on the usb and virtio buses can be hot-plugged (evdev from libvirt 10.4.0 on)';

export const input: DeviceKind<InputSpec> = {
  element: 'input',
  fields: {
    ...deviceFields,
    type: oneOf('@type', ['mouse', 'keyboard', 'tablet']),
    passthrough: text('source/@evdev', { ...path, alongside: ['@type', 'passthrough'] }),
    evdev: whole<InputEvdevSpec>(
      {
        path: text('source/@dev', path),
        grabAll: constant(['source/@grab', 'all'], 'Leave it out to grab only this one'),
        grabToggle: oneOf('source/@grabToggle', [
          'ctrl-ctrl',
          'alt-alt',
          'shift-shift',
          'meta-meta',
          'scrolllock',
          'ctrl-scrolllock',
        ]),
        repeat: flag('source/@repeat', 'on', 'off'),
      },
      { alongside: [['@type', 'evdev']], required: ['path'] },
    ),
    bus: oneOf('@bus', ['usb', 'ps2', 'virtio']),
    model: oneOf('@model', ['virtio']),
    driver: group<VirtioDriverSpec>(virtioDriverFields),
  },
  exclusive: [['type', 'passthrough', 'evdev']],
  // virDomainInputDefParseXML; a mouse's or keyboard's depends on the architecture and stays libvirt's to choose.
  derive(leaves) {
    if (leaves.has('@bus')) return [];
    if (leaves.get('@type') === 'tablet') return [['@bus', 'usb']];
    return leaves.get('@type') === 'passthrough' ? [['@bus', 'virtio']] : [];
  },
  check(leaves, where) {
    const type = leaves.get('@type');
    const bus = leaves.get('@bus');
    if (type === undefined) throw specInvalid(where, 'it is no device yet', 'Give type, passthrough or evdev');
    if (type === 'evdev' && bus) throw specInvalid(`${where}.bus`, 'an evdev device is on no bus', 'Leave it out');
    if (type === 'passthrough' && bus !== 'virtio') throw specInvalid(`${where}.bus`, 'a passthrough device is virtio');
    if (type === 'tablet' && bus === 'ps2') throw specInvalid(`${where}.bus`, 'there is no tablet on ps2', 'Use usb');
    if (bus === 'virtio') return;
    if (leaves.has('@model'))
      throw specInvalid(`${where}.model`, 'only virtio devices have a model', "Add bus: 'virtio'");
    if (VIRTIO_ABI.some((leaf) => leaves.has(leaf)))
      throw specInvalid(`${where}.driver`, 'only virtio devices have a driver', "Add bus: 'virtio'");
  },
  names: (leaves) => [[leaves.get('@type'), leaves.get('@bus')].filter((part) => part !== undefined).join('-')],
  unique: {},
  support: [
    can('attach', 'live', 'qemuDomainAttachInputDevice', { where: HOT_BUSES }),
    can('attach', 'live', 'qemuDomainAttachInputDevice', { where: { '@type': ['evdev'] }, since: '10.4.0' }),
    cannot('attach', 'live', reason, 'qemuDomainAttachInputDevice'),
    can('detach', 'live', 'qemuDomainDetachPrepInput', { where: { ...HOT_BUSES } }),
    can('detach', 'live', 'qemuDomainDetachPrepInput', { where: { '@type': ['evdev'] }, since: '10.4.0' }),
    cannot('detach', 'live', reason, 'qemuDomainDetachPrepInput'),
    cannot('attach', 'config', 'every PC has one, and QEMU gives it no second', 'qemuDomainDefAddDefaultDevices', PS2),
    cannot('detach', 'config', 'libvirt puts it back by itself', 'virDomainDefAddImplicitDevices', PS2),
    ...CONFIG,
  ],
  ...NO_UPDATE,
  chosen: [
    { path: '@bus', value: 'ps2', where: { '@type': ['mouse', 'keyboard'] }, domain: X86, source: POST_PARSE },
    { path: '@bus', value: 'virtio', where: { '@type': ['passthrough'] }, source: POST_PARSE },
    { path: '@bus', value: 'virtio', where: EMULATED, domain: { 'os/type/@arch': ['s390x'] }, source: POST_PARSE },
    { path: '@bus', value: 'usb', where: EMULATED, source: POST_PARSE },
  ],
  implicit: [{ where: PS2, source: 'virDomainDefAddImplicitDevices' }],
  abi: ['@type', '@bus', '@model', ...VIRTIO_ABI],
  liveOnly: [],
  bus(leaves) {
    const bus = leaves.get('@bus');
    if (bus === 'usb') return { type: 'usb' };
    return bus === 'virtio' ? virtioSlot(leaves.get('@model')) : undefined;
  },
};
