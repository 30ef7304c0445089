import { type Leaves, under } from '../../xml/index.js';
import { applies, type DeviceKind } from './kind.js';

/** True for a path at which libvirt fills something in while the guest runs, by the kind's rows. */
export function isLiveOnly(
  { kind, leaves }: { readonly kind: DeviceKind; readonly leaves: Leaves },
  path: string,
): boolean {
  return kind.liveOnly.some((row) => under(path, row.path) && applies(row.where, leaves));
}

/** True for an amount that QEMU raises at each start. */
export function isRaisedAtStart(kind: DeviceKind, path: string): boolean {
  return kind.liveOnly.some((row) => row.raised && under(path, row.path));
}
