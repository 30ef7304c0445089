import { ConnectionLostError, VIR_DOMAIN_AFFECT_CONFIG, VIR_DOMAIN_METADATA_ELEMENT } from '../connection/index.js';
import {
  type DomainDocument,
  isBookkeeping,
  OWN_METADATA,
  ownElement,
  readSeal,
  type SealBaseline,
  sealedForm,
  sealXml,
  updatedSeal,
} from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import { bytesInMetadata, bytesTooMany, child, children } from '../xml/index.js';
import type { DomainAccess } from './domain-access.js';
import { noteSeal } from './seen-seals.js';
import { assertNoUnsavedDefinition, mayHaveUnsavedDefinition, type UnsavedLook } from './unsaved-definition.js';

/**
 * Seals the canonical document: what it says later and did not say now is drift. With `before`, how things stood before work
 * of this library's own, what others had done by then and the work did not touch goes on being drift. Nothing is written
 * when the seal says so already and stands last: libvirt moves what it is given again to the end, so that with the seal
 * there always, what is done and undone leaves the same bytes. virDomainSetMetadata CONFIG. Errors: `DOMAIN_STATE` when a
 * failed transient start left its document in libvirt's memory, or when the document has no room for a seal.
 */
export async function seal(
  reader: DomainAccess,
  canonical: DomainDocument,
  before: SealBaseline | undefined,
  look: UnsavedLook = {},
): Promise<void> {
  const { connection, handle } = reader;
  const { read: _, ...options } = look;
  const libvirt = connection.libvirtVersion;
  const now = readSeal(canonical);
  const document = before ? updatedSeal(before, canonical, libvirt) : sealedForm(canonical);
  const same = typeof now === 'object' && now.document.xml === document.xml;
  // From here on the seal that others are compared with is this one.
  const sealed = { libvirt: same ? now.libvirt : libvirt, document };
  if (same && standsLast(canonical)) {
    noteSeal(connection, canonical.uuid, sealed);
    return;
  }
  const { prefix: key, uri } = OWN_METADATA.seal;
  // What newer releases add is told by the release that the seal is of.
  if (typeof now === 'object') noteSeal(connection, canonical.uuid, now);
  const metadata = sealXml(sealed);
  const beside = (ownElement(canonical, 'seal')?.textContent ?? '').length;
  if (bytesTooMany(canonical.xml, bytesInMetadata(metadata) - beside, 'bookkeeping') > 0)
    throw new LibvirtCanonicalError('DOMAIN_STATE', `the document of ${handle.name} is too long to be sealed`, {
      domain: handle.name,
      remedy: 'Shorten its description, or what applications keep in its metadata: nobody could read it then',
    });
  if (mayHaveUnsavedDefinition(reader)) await assertNoUnsavedDefinition(reader, look);
  const args = { dom: handle, type: VIR_DOMAIN_METADATA_ELEMENT, metadata, key, uri, flags: VIR_DOMAIN_AFFECT_CONFIG };
  await connection.call('DOMAIN_SET_METADATA', args, options);
  noteSeal(connection, canonical.uuid, sealed);
}

function standsLast(canonical: DomainDocument): boolean {
  const metadata = child(canonical.root, 'metadata');
  const kept = (metadata ? children(metadata) : []).filter(
    ({ namespaceURI: uri }) => uri === OWN_METADATA.seal.uri || !isBookkeeping(uri ?? ''),
  );
  return kept.at(-1) === ownElement(canonical, 'seal');
}

/**
 * Seals after work of this library's own. The work stands either way, so that a failure here is none of it: a domain whose
 * seal is missing or old says so in `drift()`. Writing it twice is as writing it once, so that a lost answer is no matter.
 */
export async function sealAfter(
  reader: DomainAccess,
  before?: SealBaseline,
  after?: DomainDocument,
  look?: UnsavedLook,
): Promise<void> {
  const write = async (how?: UnsavedLook) => seal(reader, after ?? (await reader.documents()).canonical, before, how);
  try {
    // After a loss the reading is no longer of just now.
    await write(look).catch((error: unknown) =>
      error instanceof ConnectionLostError ? write() : Promise.reject(error),
    );
  } catch (error) {
    if (!(error instanceof LibvirtCanonicalError)) throw error;
  }
}
