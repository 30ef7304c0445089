import type { Connection, DomainHandle } from '../connection/index.js';
import { cancelFinish } from './calls.js';
import { standingOn } from './standing.js';

/** Milliseconds for Finish, cancelled: where QEMU does not answer it may not come back, and destroying does. */
const PATIENCE = { timeout: 10_000 };
/** Milliseconds for destroying: libvirt gives a QEMU 15 s before it is killed. */
const DESTROY = { timeout: 45_000 };

/**
 * Ends what waits for memory at the destination. Returns what the cancelled Finish was answered, which is an error always;
 * that of a QEMU that died is its last word. `over`: the connection for Finish, when it is not the same.
 */
export async function endIncoming(
  destination: Connection,
  dom: DomainHandle,
  flags: number,
  over: Connection = destination,
): Promise<unknown> {
  const said = await cancelFinish(over, dom.name, flags, PATIENCE);
  // Gone by now, but for a QEMU that does not answer, and a daemon that has forgotten that it was a migration.
  const left = await standingOn(destination, dom.uuid);
  if (left.is === 'there' && left.reason === 'migration')
    await destination.call('DOMAIN_DESTROY', { dom }, DESTROY).catch(() => {});
  return said;
}
