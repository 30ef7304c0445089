import { type Field, flag, group } from '../devices/fields.js';

/** Sleep states that the firmware offers the guest. libvirt: `<pm>`. Fixed at define. Left out, QEMU offers both. */
export interface PmSpec {
  /** S3. */
  readonly suspendToMem?: boolean | undefined;
  /** S4. */
  readonly suspendToDisk?: boolean | undefined;
}

/** `<pm>`. */
export const pm: Field<PmSpec> = group<PmSpec>({
  suspendToMem: flag('pm/suspend-to-mem/@enabled'),
  suspendToDisk: flag('pm/suspend-to-disk/@enabled'),
});
