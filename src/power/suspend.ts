import type { DomainAccess } from '../apply/index.js';
import type { CallOptions } from '../connection/index.js';
import { isInvalidNow, stateError, stateOf } from './state.js';

/** virDomainSuspend. libvirt takes it for done when the vCPUs are stopped already. */
export async function suspend(reader: DomainAccess, call: CallOptions): Promise<void> {
  const { connection, handle: dom } = reader;
  await connection
    .call('DOMAIN_SUSPEND', { dom }, call)
    .catch((error: unknown) => Promise.reject(stateError(reader, 'be suspended', error)));
}

/** virDomainResume; virDomainPMWakeup for a guest that put itself to sleep. One that runs is as asked. */
export async function resume(reader: DomainAccess, call: CallOptions): Promise<void> {
  const { connection, handle: dom } = reader;
  const { state } = await stateOf(reader, call);
  try {
    if (state === 'pmsuspended') await connection.call('DOMAIN_PM_WAKEUP', { dom, flags: 0 }, call);
    else await connection.call('DOMAIN_RESUME', { dom }, call);
  } catch (error) {
    if (isInvalidNow(error) && (await stateOf(reader, call)).state === 'running') return;
    throw stateError(reader, 'be resumed', error);
  }
}
