import { LibvirtCanonicalError } from '../errors.js';
import type { CallOptions } from './caller.js';
import { type Connection, defineThrough } from './connection.js';
import type { DomainHandle } from './generated/protocol-types.js';

/**
 * Makes the one definition of a domain, virDomainDefineXMLFlags. Each UUID can be defined once per connection: a second
 * attempt throws REDEFINE_REFUSED before anything is sent, and so does a UUID that the connection saw undefined.
 * A definition that libvirt refused does not count. For definition/define.ts alone; no other room imports this file.
 *
 * With the permit `again` what the connection did before does not count. It is for the two that are asked for by name: an
 * import, which brings a domain back to a host it left, and abiUpgrade.
 *
 * @param uuid the UUID that `xml` gives in its `<uuid>`; ARGUMENT_INVALID if it does not
 * @param flags virDomainDefineFlags, e.g. VIR_DOMAIN_DEFINE_VALIDATE
 */
export async function defineOnce(
  connection: Connection,
  xml: string,
  uuid: string,
  flags: number,
  options: CallOptions = {},
  permit: 'once' | 'again' = 'once',
): Promise<DomainHandle> {
  const named = [...xml.matchAll(/<uuid>\s*([0-9a-f-]+)\s*<\/uuid>/gi)].map(([, text = '']) => bare(text));
  if (!named.includes(bare(uuid))) {
    throw new LibvirtCanonicalError('ARGUMENT_INVALID', `the document does not name the UUID ${uuid}`, {
      path: 'uuid',
    });
  }
  return defineThrough(connection, xml, uuid, flags, options, permit);
}

const bare = (uuid: string): string => uuid.replaceAll('-', '').toLowerCase();
