import { DomainReader } from '../apply/index.js';
import {
  type CallOptions,
  type Connection,
  type DomainHandle,
  VIR_DOMAIN_XML_INACTIVE,
  VIR_DOMAIN_XML_SECURE,
} from '../connection/index.js';
import {
  type AbiDifference,
  compareGuestAbi,
  DomainDocument,
  driftFrom,
  guestAbi,
  sealedForm,
  seenByGuest,
} from '../domain/index.js';
import { differencesThere, migratable } from './documents.js';

/** Values that the caller, or each libvirt for itself, may have otherwise on the other host. */
const PLACES = /^os\/(nvram|loader)/;

/** A document that the destination is held to, and the libvirt that wrote it. */
export interface Reference {
  readonly document: DomainDocument;
  readonly libvirt: string;
}

/** The machine that the destination made, against the document that it was sent. Before any memory is sent. */
export async function proveIncoming(
  destination: Connection,
  dom: DomainHandle,
  sent: DomainDocument,
  options: CallOptions = {},
): Promise<AbiDifference[]> {
  return differencesThere(sent, await migratable(new DomainReader(destination, dom), 'live', options));
}

/**
 * What the destination has in the end: its canonical document against the one that was sent as persistent, and the live one
 * against the live one. Also of what the guest does not see: a pending change, a title.
 */
export async function proveArrived(
  destination: Connection,
  dom: DomainHandle,
  sent: { readonly live: DomainDocument | undefined; readonly canonical: Reference | undefined },
  options: CallOptions = {},
): Promise<AbiDifference[]> {
  const reader = new DomainReader(destination, dom);
  const [canonical, live] = await Promise.all([
    sent.canonical && migratable(reader, 'canonical', options),
    sent.live && migratable(reader, 'live', options),
  ]);
  return [
    ...(canonical && sent.canonical ? canonicalDifferences(sent.canonical, canonical, destination.libvirtVersion) : []),
    ...(live && sent.live ? differencesThere(sent.live, live) : []),
  ];
}

/** What a canonical document says otherwise than the one that was sent; its metadata is restored afterwards and does not count. */
export function canonicalDifferences(
  { document, libvirt }: Reference,
  there: DomainDocument,
  libvirtThere: string,
): AbiDifference[] {
  return driftFrom({ libvirt, document: sealedForm(document) }, there, libvirtThere)
    .filter(({ by, subject }) => by === 'somebody' && !subject.startsWith('metadata '))
    .flatMap(({ action, subject, changes }) =>
      changes.length > 0
        ? changes.map(({ path, from, to }) => ({ subject, field: path, before: from, after: to }))
        : [
            {
              subject,
              field: 'device',
              before: action === 'removed' ? 'there' : undefined,
              after: action === 'added' ? 'there' : undefined,
            },
          ],
    );
}

/**
 * What differs for the guest between two hosts that both have the domain: for whoever did not make the migration, and does
 * not know where files were to be. Undefined documents do not count.
 */
export async function compareHosts(
  source: Connection,
  destination: Connection,
  dom: DomainHandle,
  running: boolean,
): Promise<AbiDifference[]> {
  const read = (connection: Connection, flags: number) =>
    connection
      .call('DOMAIN_GET_XML_DESC', { dom, flags: flags | VIR_DOMAIN_XML_SECURE })
      .then(({ xml }) => new DomainDocument(xml));
  const found: AbiDifference[] = [];
  for (const flags of running ? [0, VIR_DOMAIN_XML_INACTIVE] : [VIR_DOMAIN_XML_INACTIVE]) {
    const [a, b] = await Promise.all([read(source, flags), read(destination, flags)]);
    found.push(...seenByGuest(compareGuestAbi(guestAbi(a), guestAbi(b), { live: flags === 0 })));
  }
  return found.filter(({ field }) => !PLACES.test(field));
}
