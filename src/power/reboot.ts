import type { DomainAccess } from '../apply/index.js';
import { destroy } from './destroy.js';
import type { HookRunner } from './hooks.js';
import { assertNotSaved } from './saved.js';
import { rebootGuest, type ShutdownOptions, shutdown } from './shutdown.js';
import { type StartOptions, start } from './start.js';

/** Which reboot, and how its parts are done. */
export interface RebootOptions extends ShutdownOptions {
  /**
   * `guest`: the guest restarts, the QEMU process lives on. `cold`: shut down by the guest, then started. `hard`: plug
   * pulled whatever the domain does or does not do, then started.
   */
  readonly mode: 'guest' | 'cold' | 'hard';
  /** As for a start; for `cold` and `hard`. */
  readonly verify?: StartOptions['verify'];
  /** What to do with a managed-save image, which holds a guest's memory: `refuse` (default) or `discard` it. For `cold` and `hard`. */
  readonly managedSave?: 'refuse' | 'discard' | undefined;
}

/** Reboots in one of three ways. For `cold` and `hard` both hooks run in between. */
export async function reboot(
  reader: DomainAccess,
  hooks: HookRunner,
  { mode, verify, managedSave = 'refuse', ...options }: RebootOptions,
): Promise<void> {
  const { signal } = options;
  if (mode === 'guest') return rebootGuest(reader, options);
  // Asked before the guest is stopped, so that a refusal leaves it running.
  if (managedSave === 'refuse') await assertNotSaved(reader, { signal });
  await (mode === 'cold' ? shutdown(reader, options) : destroy(reader, { signal }));
  await hooks.run('afterStop', { operation: 'reboot', signal });
  await start(reader, hooks, { signal, verify, managedSave }, 'reboot');
}
