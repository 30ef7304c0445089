import type { DomainAccess } from '../apply/index.js';
import type { CallOptions } from '../connection/index.js';
import { isInvalidNow, stateOf } from './state.js';

/** virDomainDestroyFlags. A domain that is off already is as asked. */
export async function destroy(reader: DomainAccess, options: CallOptions): Promise<void> {
  try {
    await reader.connection.call('DOMAIN_DESTROY_FLAGS', { dom: reader.handle, flags: 0 }, options);
  } catch (error) {
    if (isInvalidNow(error) && (await stateOf(reader, options)).state === 'shutoff') return;
    throw error;
  }
}
