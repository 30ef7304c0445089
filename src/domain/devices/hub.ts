import { deviceFields } from './fields.js';
import type { DeviceKind, DeviceSpecBase } from './kind.js';
import { defineOnly, NO_UPDATE, unread } from './rows.js';

/** A USB hub. libvirt: `<hub type='usb'>`; it adds hubs by itself when USB ports run out at define. */
export type HubSpec = DeviceSpecBase;

export const hub: DeviceKind<HubSpec> = {
  element: 'hub',
  fields: deviceFields,
  defaults: [['@type', 'usb']],
  names: () => [],
  unique: {},
  support: defineOnly('USB hubs'),
  ...NO_UPDATE,
  implicit: [{ where: { '@type': ['usb'] }, source: 'qemuDomainAssignUSBHubs' }],
  abi: ['@type'],
  liveOnly: [],
  normal: unread('qemuDomainAssignUSBAddresses: a hub sits on a USB bus', ['address'], { 'address/@type': ['usb'] }),
  bus: () => ({ type: 'usb' }),
};
