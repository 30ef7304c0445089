import { DomainAccess } from '../apply/index.js';
import type { CallOptions, Connection, DomainHandle } from '../connection/index.js';
import {
  type AbiDifference,
  compareGuestAbi,
  type DomainDocument,
  driftFrom,
  guestAbi,
  sealedForm,
  seenByGuest,
} from '../domain/index.js';
import { differencesThere, type MovedParts, migratable, movedDocument } from './documents.js';

/** What is to be done when the two hosts have it otherwise: nothing of either is thrown away by guessing. */
export const MAKE_ALIKE =
  'Make its definition there like the one at the source, or the other way round, and ask recoverMigration';

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
  return differencesThere(sent, await migratable(new DomainAccess(destination, dom), 'live', options));
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
  const reader = new DomainAccess(destination, dom);
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
 * What differs between two hosts that both have the domain, for whoever did not make the migration: of the live documents what
 * the guest sees, of the canonical ones everything but what the migration moved. Without its record nobody knows what that was,
 * and only what the guest sees counts there as well.
 */
export async function compareHosts(
  source: Connection,
  destination: Connection,
  dom: DomainHandle,
  { running, moved }: { readonly running: boolean; readonly moved: MovedParts | undefined },
): Promise<AbiDifference[]> {
  const [here, there] = [source, destination].map((each) => new DomainAccess(each, dom)) as [
    DomainAccess,
    DomainAccess,
  ];
  const both = (side: 'live' | 'canonical') => Promise.all([migratable(here, side, {}), migratable(there, side, {})]);
  const seen = (a: DomainDocument, b: DomainDocument, live: boolean) =>
    seenByGuest(compareGuestAbi(guestAbi(a), guestAbi(b), { live })).filter(({ field }) => !PLACES.test(field));
  const found: AbiDifference[] = [];
  if (running) found.push(...seen(...(await both('live')), true));
  const [canonical, arrived] = await both('canonical');
  if (!moved) return [...found, ...seen(canonical, arrived, false)];
  const sent: Reference = { document: movedDocument(canonical, moved), libvirt: source.libvirtVersion };
  return [...found, ...canonicalDifferences(sent, arrived, destination.libvirtVersion)];
}
