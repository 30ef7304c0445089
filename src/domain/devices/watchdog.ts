import { deviceFields, oneOf } from './fields.js';
import type { DeviceKind, DeviceSpecBase } from './kind.js';
import { CONFIG, can, cannot, NO_UPDATE } from './rows.js';

/** A watchdog timer. libvirt: `<watchdog>`. */
export interface WatchdogSpec extends DeviceSpecBase {
  /** Only `i6300esb`, a conventional PCI device, can be hot-plugged. `itco` is q35's own, since libvirt 9.1.0. */
  readonly model: 'i6300esb' | 'ib700' | 'diag288' | 'itco';
  /** What happens when the guest does not answer. Default `reset`. */
  readonly action?: 'reset' | 'shutdown' | 'poweroff' | 'pause' | 'none' | 'dump' | 'inject-nmi' | undefined;
}

const ITCO = { '@model': ['itco'] };
const ITCO_REASON = 'the iTCO watchdog is part of the q35 machine since libvirt 9.1.0, and not known before';
const HOT = { where: { '@model': ['i6300esb'] } };
const reason = 'only i6300esb watchdogs can be hot-plugged';

export const watchdog: DeviceKind<WatchdogSpec> = {
  element: 'watchdog',
  fields: {
    ...deviceFields,
    model: oneOf('@model', ['i6300esb', 'ib700', 'diag288', 'itco']),
    action: oneOf('@action', ['reset', 'shutdown', 'poweroff', 'pause', 'none', 'dump', 'inject-nmi']),
  },
  required: ['model'],
  names: (leaves) => [leaves.get('@model')],
  unique: {},
  support: [
    can('attach', 'live', 'qemuDomainAttachWatchdog', HOT),
    cannot('attach', 'live', reason, 'qemuDomainAttachWatchdog'),
    cannot('attach', 'config', ITCO_REASON, 'qemuDomainDefAddImplicitDevices', ITCO),
    can('detach', 'live', 'qemuDomainDetachPrepWatchdog', HOT),
    cannot('detach', 'live', reason, 'qemuDomainDetachPrepWatchdog'),
    cannot('detach', 'config', ITCO_REASON, 'qemuDomainDefAddImplicitDevices', ITCO),
    ...CONFIG,
  ],
  requires: [
    {
      since: '9.3.0',
      where: { '@model': ['ib700'] },
      domain: 'os/type[contains(@machine, "i440fx") or @machine = "pc"]',
      reason: 'an ib700 watchdog belongs to i440fx machines since libvirt 9.3.0',
      remedy: 'Use an i6300esb',
      source: 'qemuValidateDomainWatchdogDef',
    },
  ],
  limits: [{ atMost: 1, until: '9.1.0', source: 'qemuDomainAttachWatchdog, qemuDomainAttachDeviceConfig' }],
  // That of the q35 machine's own included.
  alike: [{ path: '@action', otherwise: 'reset', since: '9.1.0', source: 'qemuValidateDomainWatchdogDef' }],
  ...NO_UPDATE,
  implicit: [{ where: { '@model': ['itco'] }, source: 'qemuDomainDefAddImplicitDevices' }],
  abi: ['@model'],
  liveOnly: [],
  bus: (leaves) => (leaves.get('@model') === 'i6300esb' ? { type: 'pci', slot: 'conventional' } : undefined),
};
