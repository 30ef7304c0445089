import gte from 'semver/functions/gte.js';
import type { Device, DomainDocument } from '../document.js';
import type { DeviceAbi, GuestAbi } from './values.js';

/** A device that the machine has always had, and that only newer libvirt lists: listed or not, the guest sees the same. */
interface ListedRow {
  readonly kind: string;
  /** Values of its fields, by path. */
  readonly fields: Readonly<Record<string, string>>;
  /** Machine types that have it. */
  readonly machine: RegExp;
  /** First libvirt that lists it, as semver. */
  readonly since: string;
  /** Whether a libvirt that does not list it makes the same of it, beside the other devices. */
  readonly equivalentWithout: (device: Device, others: readonly Device[]) => boolean;
  readonly reason: string;
  readonly source: string;
}

const LISTED: readonly ListedRow[] = [
  {
    kind: 'watchdog',
    fields: { '@model': 'itco' },
    machine: /^pc-q35-/,
    since: '9.1.0',
    // QEMU has one action for all watchdogs.
    equivalentWithout: (device, others) => {
      const actions = others.flatMap((other) => (other.kind === device.kind ? [actionOf(other)] : []));
      return (actions.length > 0 ? actions : ['reset']).every((action) => action === actionOf(device));
    },
    reason: 'the watchdog of the q35 chipset has always been there, libvirt lists it since 9.1.0',
    source: 'NEWS of libvirt 9.1.0',
  },
];

function actionOf({ leaves }: Device): string {
  return leaves.get('@action') ?? 'reset';
}

/** A device that a libvirt does not know, though the machine has it. */
export interface Unlisted {
  readonly device: Device;
  /** Whether the guest sees the same without it in the document. */
  readonly equivalentWithout: boolean;
  readonly reason: string;
}

/** Devices of a document that this libvirt would refuse, though the machine has them. */
export function unknownTo({ machine, devices }: DomainDocument, libvirt: string): Unlisted[] {
  return devices.flatMap((device) => {
    const row = LISTED.find(
      ({ kind, fields, machine: has, since }) =>
        kind === device.kind.element &&
        has.test(machine) &&
        !gte(libvirt, since) &&
        Object.entries(fields).every(([path, value]) => device.leaves.get(path) === value),
    );
    const others = devices.filter((each) => each !== device);
    return row ? [{ device, equivalentWithout: row.equivalentWithout(device, others), reason: row.reason }] : [];
  });
}

/** Why a device that only one of two guest ABIs lists is no difference to the guest; undefined when it is one. */
export function implicitReason(device: DeviceAbi, { machine }: GuestAbi): string | undefined {
  return LISTED.find(
    (row) =>
      row.kind === device.kind &&
      row.machine.test(machine) &&
      Object.entries(row.fields).every(([path, value]) => device.fields[path] === value),
  )?.reason;
}
