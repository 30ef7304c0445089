import { specInvalid } from '../values.js';
import { deviceFields, flag, integer, list, oneOf } from './fields.js';
import type { DeviceKind, DeviceSpecBase } from './kind.js';
import { can, cannot, NO_UPDATE, unread } from './rows.js';

/** A sound card. libvirt: `<sound>`. It comes and goes at a cold boot only. */
export interface SoundSpec extends DeviceSpecBase {
  /** `pcspk` is the beeper of the PC. */
  readonly model: 'ich6' | 'ich9' | 'ac97' | 'es1370' | 'sb16' | 'pcspk' | 'usb';
  /** Codecs of an ich6 or ich9 card. libvirt takes one `duplex` when there is none. */
  readonly codecs?: ReadonlyArray<{ readonly type: 'duplex' | 'micro' | 'output' }> | undefined;
  /** Number of the {@link AudioSpec} it plays through. */
  readonly audio?: number | undefined;
  /** Of usb: more than two channels. Since libvirt 9.4.0. */
  readonly multichannel?: boolean | undefined;
}

const LIVE = 'libvirt has no hot-plug of sound cards';
const MULTICHANNEL = { '@multichannel': ['yes', 'no'] };

export const sound: DeviceKind<SoundSpec> = {
  element: 'sound',
  fields: {
    ...deviceFields,
    model: oneOf('@model', ['ich6', 'ich9', 'ac97', 'es1370', 'sb16', 'pcspk', 'usb']),
    codecs: list('codec', { type: oneOf('@type', ['duplex', 'micro', 'output']) }),
    audio: integer('audio/@id', { min: 1, max: 255 }),
    multichannel: flag('@multichannel'),
  },
  required: ['model'],
  check(leaves, where) {
    const model = leaves.get('@model') ?? '';
    if (leaves.has('codec/@type') && !model.startsWith('ich'))
      throw specInvalid(`${where}.codecs`, `a ${model} card has none`, 'Only ich6 and ich9');
    if (leaves.has('@multichannel') && model !== 'usb')
      throw specInvalid(`${where}.multichannel`, `a ${model} card has none`, 'Only usb');
  },
  names: () => [],
  unique: {},
  support: [
    cannot('attach', 'live', LIVE, 'qemuDomainAttachDeviceLive'),
    cannot('detach', 'live', LIVE, 'qemuDomainDetachDeviceLive'),
    can('attach', 'config', 'qemuDomainAttachDeviceConfig', { where: MULTICHANNEL, since: '9.4.0' }),
    cannot('attach', 'config', 'multichannel needs libvirt 9.4.0', 'virDomainSoundDefParseXML', MULTICHANNEL),
    can('attach', 'config', 'qemuDomainAttachDeviceConfig', { since: '5.10.0' }),
    can('detach', 'config', 'qemuDomainDetachDeviceConfig', { since: '6.0.0' }),
  ],
  ...NO_UPDATE,
  abi: ['@model', '@multichannel', 'codec'],
  liveOnly: [],
  normal: unread('virDomainSoundDefFormat', ['codec'], { '@model': ['ich6', 'ich9'] }),
  bus(leaves) {
    const model = leaves.get('@model') ?? '';
    if (model === 'usb') return { type: 'usb' };
    return ['ich6', 'ich9', 'ac97', 'es1370'].includes(model) ? { type: 'pci', slot: 'conventional' } : undefined;
  },
};
