import type { DomainAccess } from '../apply/index.js';
import { type CallOptions, LibvirtError, VIR_DOMAIN_SAVE_IMAGE_XML_SECURE } from '../connection/index.js';
import { DomainDocument } from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';

/** virDomainHasManagedSaveImage. */
export async function hasManagedSave({ connection, handle: dom }: DomainAccess, call: CallOptions): Promise<boolean> {
  const { result } = await connection.call('DOMAIN_HAS_MANAGED_SAVE_IMAGE', { dom, flags: 0 }, call);
  return result === 1;
}

/** The document that a managed-save image carries. virDomainManagedSaveGetXMLDesc; without secrets on a read-only connection. */
export async function managedSaveDocument(
  { connection, handle: dom }: DomainAccess,
  call: CallOptions,
): Promise<DomainDocument> {
  const read = (flags: number) => connection.call('DOMAIN_MANAGED_SAVE_GET_XML_DESC', { dom, flags }, call);
  const { xml } = await read(VIR_DOMAIN_SAVE_IMAGE_XML_SECURE).catch((error: unknown) => {
    if (error instanceof LibvirtError && error.errorName === 'VIR_ERR_OPERATION_DENIED') return read(0);
    throw error;
  });
  return new DomainDocument(xml);
}

/** `DOMAIN_STATE` when a managed-save image waits: a plain start would restore it, with a document of its own. */
export async function assertNotSaved(reader: DomainAccess, call: CallOptions): Promise<void> {
  if (!(await hasManagedSave(reader, call))) return;
  const { name } = reader.handle;
  throw new LibvirtCanonicalError(
    'DOMAIN_STATE',
    `domain ${name} has a managed-save image, which carries its own document`,
    { domain: name, remedy: "Ask with managedSave: 'restore' or 'discard'; pending() says how the documents differ" },
  );
}
