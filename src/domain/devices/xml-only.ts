import { deviceFields } from './fields.js';
import type { DeviceKind, DeviceSpecBase } from './kind.js';

const BY_LIBVIRT = 'qemuDomainAttachDeviceLive, qemuDomainAttachDeviceConfig';

/**
 * A kind without typed fields beyond id and address: given and kept as XML, without loss. Whether libvirt can plug it is
 * libvirt's to say, unless `known` says it here; update-device does not exist for it.
 */
export function xmlOnly(element: string, known: Partial<DeviceKind<DeviceSpecBase>> = {}): DeviceKind<DeviceSpecBase> {
  return {
    element,
    fields: deviceFields,
    names: () => [],
    unique: {},
    support: [
      { action: 'attach', scope: 'live', supported: true, source: BY_LIBVIRT },
      { action: 'attach', scope: 'config', supported: true, source: BY_LIBVIRT },
      { action: 'detach', scope: 'live', supported: true, source: BY_LIBVIRT },
      { action: 'detach', scope: 'config', supported: true, source: BY_LIBVIRT },
    ],
    updateConfig: false,
    updates: [],
    identity: [],
    abi: ['@type', '@model', '@bus', 'model', 'target'],
    liveOnly: [
      'source/@path',
      '@tty',
      'source/@tty',
      '@port',
      '@websocket',
      '@listen',
      'listen',
      'cid/@address',
      'target/current',
    ].map((path) => ({ path, persistable: true }) as const),
    bus: () => undefined,
    ...known,
  };
}
