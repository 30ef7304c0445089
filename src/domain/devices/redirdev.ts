import {
  CHR_SOURCES,
  type ChrSourceSpec,
  checkChrSource,
  chrLiveOnly,
  chrNormal,
  chrSourceFields,
  coldSources,
} from './chr-source.js';
import { bootableFields, constant } from './fields.js';
import type { BootableSpec, DeviceKind } from './kind.js';
import { CONFIG, can, NO_UPDATE, unread } from './rows.js';

/** A USB port whose device is on the other side of a character device. libvirt: `<redirdev bus='usb'>`. */
export interface RedirdevSpec extends BootableSpec, ChrSourceSpec {
  /** The device of who looks at the guest by SPICE. */
  readonly spicevmc?: true | undefined;
}

const SOURCES = [...CHR_SOURCES, 'spicevmc'] as const;

export const redirdev: DeviceKind<RedirdevSpec> = {
  element: 'redirdev',
  fields: {
    ...bootableFields,
    ...chrSourceFields(),
    spicevmc: constant(['@type', 'spicevmc'], 'Leave it out to have another source'),
  },
  exclusive: [SOURCES],
  defaults: [['@bus', 'usb']],
  check: (leaves, where) => checkChrSource(leaves, where, { sources: SOURCES }),
  names: () => [],
  unique: {},
  support: [
    coldSources(),
    can('attach', 'live', 'qemuDomainAttachRedirdevDevice'),
    can('detach', 'live', 'qemuDomainDetachPrepRedirdev', { since: '4.0.0' }),
    ...CONFIG,
  ],
  ...NO_UPDATE,
  abi: ['@bus', '@type'],
  liveOnly: chrLiveOnly(),
  normal: [
    ...chrNormal(),
    ...unread('virDomainChrSourceDefParseXML: only a character device of its own has labels', [
      /^source(\[\d+\])?\/seclabel/,
    ]),
  ],
  bus: () => ({ type: 'usb' }),
};
