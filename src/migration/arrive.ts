import { DomainAccess, sealAfter } from '../apply/index.js';
import {
  type Connection,
  type DomainHandle,
  VIR_DOMAIN_AFFECT_CONFIG,
  VIR_DOMAIN_AFFECT_LIVE,
  VIR_DOMAIN_METADATA_ELEMENT,
} from '../connection/index.js';
import {
  type DomainDocument,
  driftFrom,
  isBookkeeping,
  metadataText,
  readSeal,
  sealBaseline,
} from '../domain/index.js';
import { child, children } from '../xml/index.js';
import { movedDocument } from './documents.js';
import { type MigrationRecord, migrationEntry, removeRecord } from './record.js';

/** What of the source the destination does not get by libvirt's migration. */
export interface LeftBehind {
  readonly record: MigrationRecord;
  /** The source's canonical document as it was, for the text of its metadata; undefined when nobody has it any more. */
  readonly canonical: DomainDocument | undefined;
  readonly live: DomainDocument | undefined;
}

/**
 * Brings along what libvirt leaves behind, and takes the record out. Each part for itself: the domain has arrived whatever
 * becomes of it. Returns what could not be done, for people.
 */
export async function bringAlong(
  destination: Connection,
  dom: DomainHandle,
  { record, canonical, live }: LeftBehind,
): Promise<string[]> {
  const reader = new DomainAccess(destination, dom);
  const failed: string[] = [];
  const attempt = async (what: string, work: () => Promise<unknown>) => {
    try {
      await work();
    } catch (error) {
      failed.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  const { persistent } = await destination.call('DOMAIN_IS_PERSISTENT', { dom }).catch(() => ({ persistent: 1 }));
  if (canonical && persistent) {
    await attempt('the text of its metadata', () => restoreMetadata(reader, canonical, VIR_DOMAIN_AFFECT_CONFIG));
    if (live) await attempt('the text of its metadata', () => restoreMetadata(reader, live, VIR_DOMAIN_AFFECT_LIVE));
    if (typeof readSeal(canonical) !== 'string')
      await attempt('the seal', () => sealAfter(reader, sealBaseline(canonical)));
  } else if (persistent) await attempt('the seal', () => sealMoved(reader, record));
  if (record.autostart && persistent)
    await attempt('autostart', () => destination.call('DOMAIN_SET_AUTOSTART', { dom, autostart: 1 }));
  if (record.autostartOnce && persistent)
    await attempt('autostart once', () => destination.call('DOMAIN_SET_AUTOSTART_ONCE', { dom, autostart: 1 }));
  await attempt('the record of the migration', () => clearRecord(reader, record));
  return failed;
}

/**
 * Seals what arrived when nobody has the source's document any more: its own seal came along, and what differs from it is only
 * what the migration moved. Anything else is drift, and stays so.
 */
async function sealMoved(reader: DomainAccess, { moved }: MigrationRecord): Promise<void> {
  const { canonical } = await reader.documents();
  const seal = readSeal(canonical);
  if (typeof seal === 'string') return;
  const expected = { libvirt: seal.libvirt, document: movedDocument(seal.document, moved) };
  const drifted = driftFrom(expected, canonical, reader.connection.libvirtVersion).some(({ by }) => by === 'somebody');
  if (!drifted) await sealAfter(reader, undefined, canonical);
}

/** Takes the record out of whichever document has it. */
export async function clearRecord(reader: DomainAccess, record: MigrationRecord): Promise<void> {
  const { canonical, live } = await reader.documents();
  const { persistent } = await reader.connection.call('DOMAIN_IS_PERSISTENT', { dom: reader.handle });
  if (persistent && migrationEntry(canonical)) await removeRecord(reader, record, true);
  if (live && migrationEntry(live)) await removeRecord(reader, record, false);
}

/**
 * The metadata of a domain comes through a migration with other white space: libvirt's cookie is indented deeper. An element
 * whose text came otherwise is written as it was. virDomainSetMetadata.
 */
async function restoreMetadata(reader: DomainAccess, was: DomainDocument, flags: number): Promise<void> {
  const { connection, handle: dom } = reader;
  const documents = await reader.documents();
  const now = flags === VIR_DOMAIN_AFFECT_LIVE ? documents.live : documents.canonical;
  const metadata = child(was.root, 'metadata');
  for (const { namespaceURI: uri, prefix: key } of metadata ? children(metadata) : []) {
    if (!uri || !key || isBookkeeping(uri)) continue;
    const text = metadataText(was, uri);
    if (text === undefined || (now && metadataText(now, uri) === text)) continue;
    await connection.call('DOMAIN_SET_METADATA', {
      dom,
      type: VIR_DOMAIN_METADATA_ELEMENT,
      metadata: text,
      key,
      uri,
      flags,
    });
  }
}
