import { type Field, flag, group, integer, list, oneOf, text } from '../devices/fields.js';
import { signed } from './forms.js';

/** How the firmware boots, beside the boot order, which stands at the devices. libvirt: parts of `<os>`. Fixed at define. */
export interface BootSpec {
  /** Show a menu. */
  readonly menu?: boolean | undefined;
  /** How long, in milliseconds, up to 65535. */
  readonly menuTimeout?: number | undefined;
  /** Show the BIOS on the first serial port. */
  readonly useSerial?: boolean | undefined;
  /** When no device boots, boot again after so many milliseconds; -1 for never. */
  readonly rebootTimeout?: number | undefined;
  /** ACPI tables from files of the host. `raw` and `rawset` since libvirt 10.4.0. */
  readonly acpiTables?: ReadonlyArray<{ readonly file: string; readonly type: 'slic' | 'raw' | 'rawset' }> | undefined;
}

/** Parts of `<os>`. */
export const boot: Field<BootSpec> = group<BootSpec>({
  menu: flag('os/bootmenu/@enable'),
  menuTimeout: integer('os/bootmenu/@timeout', { max: 65_535 }),
  useSerial: flag('os/bios/@useserial'),
  rebootTimeout: signed('os/bios/@rebootTimeout'),
  acpiTables: list<NonNullable<BootSpec['acpiTables']>[number]>('os/acpi/table', {
    type: oneOf('@type', ['slic', 'raw', 'rawset']),
    file: text(''),
  }),
});
