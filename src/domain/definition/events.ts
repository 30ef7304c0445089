import { type Field, group, oneOf } from '../devices/fields.js';
import type { LifecycleRequest } from '../settings/lifecycle.js';

/** What becomes of the domain when the guest stops by itself. `set: { lifecycle }` can change all but `onLockfailure` later. */
export interface EventsSpec extends LifecycleRequest {
  /** When the domain loses the lock on a disk. Fixed at define. */
  readonly onLockfailure?: 'poweroff' | 'restart' | 'pause' | 'ignore' | undefined;
}

/** `<on_poweroff>`, `<on_reboot>`, `<on_crash>` and `<on_lockfailure>`. */
export const events: Field<EventsSpec> = group<EventsSpec>({
  onPoweroff: oneOf('on_poweroff', ['destroy', 'restart']),
  onReboot: oneOf('on_reboot', ['destroy', 'restart']),
  onCrash: oneOf('on_crash', ['destroy', 'restart', 'preserve', 'coredump-destroy', 'coredump-restart']),
  onLockfailure: oneOf('on_lockfailure', ['poweroff', 'restart', 'pause', 'ignore']),
});
