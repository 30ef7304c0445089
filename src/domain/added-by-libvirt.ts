import type { Where } from './devices/index.js';

/** Something that a newer libvirt writes into the document of a domain that an older one defined. */
export interface AddedByLibvirtRow {
  /** Element name of the device. */
  readonly kind: string;
  readonly where?: Where;
  /** First libvirt that does so, as semver. */
  readonly since: string;
  readonly source: string;
}

/** What libvirt adds by itself after an upgrade: in the machine all along, and listed only now. */
export const ADDED_BY_LIBVIRT: readonly AddedByLibvirtRow[] = [
  {
    kind: 'watchdog',
    where: { '@model': ['itco'] },
    since: '9.1.0',
    source: 'qemuDomainDefAddImplicitDevices: the iTCO watchdog is part of every q35 machine',
  },
];
