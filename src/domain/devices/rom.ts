import { flag, group, text } from './fields.js';

/** The boot ROM of a PCI device. libvirt: `<rom>`. */
export interface RomSpec {
  /** `false`: no boot ROM at all. */
  readonly enabled?: boolean | undefined;
  /** Whether the ROM shows in the guest's memory map. */
  readonly bar?: boolean | undefined;
  /** Path of a ROM image. */
  readonly file?: string | undefined;
}

/** The fields of {@link RomSpec}. */
export const romField = group<RomSpec>({
  enabled: flag('rom/@enabled'),
  bar: flag('rom/@bar', 'on', 'off'),
  file: text('rom/@file'),
});
