import { LibvirtCanonicalError } from '../errors.js';
import type { CallOptions } from './caller.js';
import { type Connection, startThrough } from './connection.js';
import type { DomainHandle } from './generated/protocol-types.js';

/**
 * Runs a persistent domain that is off from another document for once, virDomainCreateXML: its canonical document stays as
 * it is and counts again when this run ends. For rescue/transient.ts alone; no other room imports this file.
 *
 * @param uuid the UUID that `xml` gives in its `<uuid>`; ARGUMENT_INVALID if it does not
 * @param flags virDomainCreateFlags
 */
export async function startTransient(
  connection: Connection,
  xml: string,
  uuid: string,
  flags: number,
  options: CallOptions = {},
): Promise<DomainHandle> {
  if (!xml.toLowerCase().includes(`<uuid>${uuid.toLowerCase()}</uuid>`))
    throw new LibvirtCanonicalError('ARGUMENT_INVALID', `the document does not name the UUID ${uuid}`, {
      path: 'uuid',
    });
  return startThrough(connection, xml, uuid, flags, options);
}
