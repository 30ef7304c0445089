import { type CallOptions, VIR_DOMAIN_AFFECT_CONFIG, VIR_DOMAIN_METADATA_ELEMENT } from '../connection/index.js';
import { type DomainDocument, OWN_METADATA, readSeal, resealed, sealedForm, sealXml } from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import type { DomainReader } from './read.js';

/**
 * Seals the canonical document: what it says later and did not say now is drift. With `before`, what it was before work of
 * this library's own, what others had done by then and the work did not touch goes on being drift. Nothing is written
 * when the seal says so already. virDomainSetMetadata CONFIG.
 */
export async function seal(
  { connection, handle }: DomainReader,
  canonical: DomainDocument,
  before: DomainDocument | undefined,
  options: CallOptions = {},
): Promise<void> {
  const libvirt = connection.libvirtVersion;
  const [last, now] = [before && readSeal(before), readSeal(canonical)];
  const document =
    before && typeof last === 'object' ? resealed(last, before, canonical, libvirt) : sealedForm(canonical);
  if (typeof now === 'object' && now.document.xml === document.xml) return;
  const { prefix: key, uri } = OWN_METADATA.seal;
  const metadata = sealXml({ at: new Date(), libvirt, document });
  const args = { dom: handle, type: VIR_DOMAIN_METADATA_ELEMENT, metadata, key, uri, flags: VIR_DOMAIN_AFFECT_CONFIG };
  await connection.call('DOMAIN_SET_METADATA', args, options);
}

/**
 * Seals after work of this library's own. The work stands either way, so that a failure here is none of it: a domain whose
 * seal is missing or old says so in `drift()`.
 */
export async function sealAfter(reader: DomainReader, before?: DomainDocument, after?: DomainDocument): Promise<void> {
  try {
    await seal(reader, after ?? (await reader.documents()).canonical, before);
  } catch (error) {
    if (!(error instanceof LibvirtCanonicalError)) throw error;
  }
}
