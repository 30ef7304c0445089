import type { DeviceAbi, GuestAbi } from './abi.js';

/** A device that the machine has always had, and that only newer libvirt lists: listed or not, the guest sees the same. */
interface ListedRow {
  readonly kind: string;
  /** Values of its fields, by path. */
  readonly fields: Readonly<Record<string, string>>;
  /** Machine types that have it. */
  readonly machine: RegExp;
  readonly reason: string;
  readonly source: string;
}

const LISTED: readonly ListedRow[] = [
  {
    kind: 'watchdog',
    fields: { '@model': 'itco' },
    machine: /^pc-q35-/,
    reason: 'the watchdog of the q35 chipset has always been there, libvirt lists it since 9.1.0',
    source: 'NEWS of libvirt 9.1.0',
  },
];

/** Why a device that only one of two guest ABIs lists is no difference to the guest; undefined when it is one. */
export function alwaysThere(device: DeviceAbi, { machine }: GuestAbi): string | undefined {
  return LISTED.find(
    (row) =>
      row.kind === device.kind &&
      row.machine.test(machine) &&
      Object.entries(row.fields).every(([path, value]) => device.fields[path] === value),
  )?.reason;
}
