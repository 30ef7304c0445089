import { applies, type Change, type DomainContext, domainLeaves } from '../domain/index.js';
import { leafChanges, under } from '../xml/index.js';

/** Something that canonical and live document tell differently: it takes effect at the next cold boot. */
export interface PendingChange {
  /** Identity of the device, or `domain`. */
  readonly subject: string;
  /** `attach`: only canonical has the device. `detach`: only the running guest has it. */
  readonly action: 'attach' | 'detach' | 'change';
  /** What changes at the next cold boot: from the running guest's value to the canonical one. */
  readonly changes: readonly Change[];
}

/** What libvirt and QEMU fill into a running domain outside its devices. */
const LIVE_ONLY = [
  '@id',
  'cpu',
  'features',
  'resource',
  'seclabel',
  'os/loader',
  'os/nvram',
  'os/firmware',
  'vcpus',
  'iothreadids',
  'currentMemory',
];

/** What waits for the next cold boot. A reboot by the guest does not apply it. Empty when the domain is shut off. */
export function pendingChanges({ canonical, live }: DomainContext): PendingChange[] {
  if (!live) return [];
  const pending: PendingChange[] = [];
  for (const device of canonical.devices) {
    const running = live.counterpart(device);
    if (!running) {
      pending.push({ subject: device.identity, action: 'attach', changes: [] });
      continue;
    }
    const changes = leafChanges(running.leaves, device.leaves).filter(({ path, from, to }) => {
      // libvirt names every device of a running domain.
      if (path === 'alias/@name' && to === undefined) return false;
      // What the canonical document says itself is no runtime value; -1 is its word for "libvirt chooses".
      return !(
        from !== undefined &&
        (to === undefined || to === '-1') &&
        device.kind.liveOnly.some((row) => under(path, row.path) && applies(row.where, running.leaves))
      );
    });
    if (changes.length > 0) pending.push({ subject: device.identity, action: 'change', changes });
  }
  for (const device of live.devices) {
    if (!canonical.counterpart(device)) pending.push({ subject: device.identity, action: 'detach', changes: [] });
  }
  const changes = leafChanges(domainLeaves(live), domainLeaves(canonical)).filter(
    ({ path }) => !LIVE_ONLY.some((each) => under(path, each)),
  );
  if (changes.length > 0) pending.push({ subject: 'domain', action: 'change', changes });
  return pending;
}
