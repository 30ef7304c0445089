import type { Size } from '../values.js';
import { size, text, whole } from './fields.js';
import type { DeviceKind } from './kind.js';
import { CONFIG, can, defaultValue, NO_UPDATE } from './rows.js';

/** A lease that the host's lock manager holds for the domain. libvirt: `<lease>`. The guest does not see it. */
export interface LeaseSpec {
  /** Lock space; left out: the lock manager's default one. */
  readonly lockspace?: string | undefined;
  /** Name of the lease within its lock space. */
  readonly key: string;
  /** Where the lease is stored. */
  readonly target: { readonly path: string; readonly offset?: Size | undefined };
}

export const lease: DeviceKind<LeaseSpec> = {
  element: 'lease',
  fields: {
    lockspace: text('lockspace'),
    key: text('key'),
    target: whole<LeaseSpec['target']>(
      { path: text('target/@path'), offset: size('target/@offset') },
      { required: ['path'] },
    ),
  },
  required: ['key', 'target'],
  names: (leaves) => [[leaves.get('lockspace'), leaves.get('key')].filter((part) => part !== undefined).join('/')],
  namesOne: true,
  unique: {},
  support: [
    can('attach', 'live', 'qemuDomainAttachLease'),
    can('detach', 'live', 'qemuDomainDetachDeviceLease'),
    ...CONFIG,
  ],
  ...NO_UPDATE,
  abi: [],
  liveOnly: [],
  normal: defaultValue('virDomainLeaseDefFormat', { 'target/@offset': /^0+$/ }),
  bus: () => undefined,
};
