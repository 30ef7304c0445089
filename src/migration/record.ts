import { randomUUID } from 'node:crypto';
import { type DomainAccess, type Owner, type OwnerState, ownerOf, SELF, stateOfOwner } from '../apply/index.js';
import {
  type CallOptions,
  VIR_DOMAIN_AFFECT_CONFIG,
  VIR_DOMAIN_AFFECT_LIVE,
  VIR_DOMAIN_METADATA_ELEMENT,
  VIR_MIGRATE_UNDEFINE_SOURCE,
} from '../connection/index.js';
import { type DomainDocument, OWN_METADATA, ownElement } from '../domain/index.js';
import { buildElement } from '../xml/index.js';
import type { MovedParts } from './documents.js';
import type { MigrationWay } from './options.js';

const { prefix: PREFIX, uri: URI } = OWN_METADATA.migration;
const FORMAT = '1';
/** Longest record that is read, in characters: anybody may write metadata. */
const LONGEST = 256 * 1024;

/** One side of a migration. */
export interface MigrationHost {
  /** As libvirt's capabilities give it. */
  readonly uuid: string;
  /** What was connected to. */
  readonly uri: string;
}

/**
 * What a process writes into the domain's metadata before it begins to migrate it: what it is about to do, for whoever comes
 * after it. How far it came is read from the two hosts.
 */
export interface MigrationRecord {
  readonly id: string;
  /** UUID of the domain; a record of another domain counts for nothing. */
  readonly domain: string;
  readonly mode: 'live' | 'block' | 'cold';
  readonly via: 'client' | 'peer-to-peer' | 'tunnelled';
  readonly source: MigrationHost;
  readonly destination: MigrationHost;
  readonly undefineSource: boolean;
  /** False: it has no definition, so that nothing of it is left where it ends. Records of older releases do not tell. */
  readonly persistent?: boolean;
  /** Whether the guest was paused when it began. */
  readonly paused: boolean;
  readonly autostart: boolean;
  readonly autostartOnce: boolean;
  /** Images that it makes at the destination, and removes when it fails. */
  readonly targets: readonly string[];
  /** Files that it writes at the destination, each noted before that, and removes when it fails. */
  readonly carried?: readonly CarriedFile[];
  /** What is other at the destination, as the documents that were sent have it. */
  readonly moved: MovedParts;
  /** How memory goes over; a post-copy that was cut goes on the same way. */
  readonly way?: MigrationWay;
  /** Files of the source that are of no use to anybody once the domain has left, by what becomes of them. */
  readonly nvram: 'none' | 'left' | 'remove';
}

/** A file of UEFI variables or TPM state that goes along, and the SHA-256 of all of it. */
export interface CarriedFile {
  readonly path: string;
  readonly sha256: string;
}

/** A record as a document holds it. */
export interface MigrationEntry {
  readonly record: MigrationRecord;
  readonly since: Date;
  readonly owner: Owner;
  readonly ownerState: OwnerState;
}

/** The flag by which Confirm undefines the source; with its variables to be removed as well that is a call of its own. */
export function undefiningFlag({ undefineSource, nvram }: Pick<MigrationRecord, 'undefineSource' | 'nvram'>): number {
  return undefineSource && nvram !== 'remove' ? VIR_MIGRATE_UNDEFINE_SOURCE : 0;
}

/** The migrations of this copy of the library that are under way. */
const mine = new Set<string>();

export const newRecord = (record: Omit<MigrationRecord, 'id'>): MigrationRecord => ({ id: randomUUID(), ...record });

/** The record in a document; undefined when there is none of this domain that can be read. */
export function migrationEntry(document: DomainDocument): MigrationEntry | undefined {
  const element = document.xml.includes(URI) ? ownElement(document, 'migration') : undefined;
  const text = element?.textContent ?? '';
  if (!element || element.getAttribute('format') !== FORMAT || text.length > LONGEST) return undefined;
  const record = recordOf(text);
  if (record?.domain !== document.uuid) return undefined;
  const owner = ownerOf(element);
  const own = owner.copy === SELF.copy;
  const ownerState = own ? (mine.has(record.id) ? 'running' : 'ended') : stateOfOwner(owner);
  return { record, since: new Date(element.getAttribute('since') ?? ''), owner, ownerState };
}

/** Writes the record, before the first call of the migration. virDomainSetMetadata. */
export async function writeRecord(reader: DomainAccess, record: MigrationRecord, persistent: boolean): Promise<void> {
  const attributes = { format: FORMAT, since: new Date().toISOString(), ...SELF };
  const xml = buildElement('migration', [
    ...Object.entries(attributes).map(([key, value]) => [`@${key}`, String(value)] as const),
    ['', JSON.stringify(record)] as const,
  ]);
  mine.add(record.id);
  await setRecord(reader, xml, persistent);
}

/** Takes the record out; this process is done with the migration in any case. */
export async function removeRecord(
  reader: DomainAccess,
  { id }: Pick<MigrationRecord, 'id'>,
  persistent: boolean,
): Promise<void> {
  try {
    await setRecord(reader, null, persistent);
  } finally {
    mine.delete(id);
  }
}

/** Lets the record stand for `recoverMigration`. */
export function leaveRecord({ id }: Pick<MigrationRecord, 'id'>): void {
  mine.delete(id);
}

async function setRecord(
  { connection, handle: dom }: DomainAccess,
  metadata: string | null,
  persistent: boolean,
  options: CallOptions = {},
): Promise<void> {
  const flags = persistent ? VIR_DOMAIN_AFFECT_CONFIG : VIR_DOMAIN_AFFECT_LIVE;
  const key = metadata === null ? null : PREFIX;
  const args = { dom, type: VIR_DOMAIN_METADATA_ELEMENT, metadata, key, uri: URI, flags };
  await connection.call('DOMAIN_SET_METADATA', args, options);
}

/** Reads what {@link writeRecord} wrote; undefined for anything else: the metadata is anybody's to write. */
function recordOf(text: string): MigrationRecord | undefined {
  let value: Partial<Record<keyof MigrationRecord, unknown>>;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const host = (side: unknown) =>
    typeof side === 'object' &&
    side !== null &&
    ['uuid', 'uri'].every((name) => typeof (side as never)[name] === 'string');
  const good =
    ['id', 'domain'].every((name) => typeof value[name as 'id'] === 'string') &&
    ['live', 'block', 'cold'].includes(value.mode as string) &&
    ['client', 'peer-to-peer', 'tunnelled'].includes(value.via as string) &&
    ['none', 'left', 'remove'].includes(value.nvram as string) &&
    (['undefineSource', 'paused', 'autostart', 'autostartOnce'] as const).every(
      (name) => typeof value[name] === 'boolean',
    ) &&
    typeof value.moved === 'object' &&
    value.moved !== null &&
    host(value.source) &&
    host(value.destination) &&
    Array.isArray(value.targets) &&
    value.targets.every((each) => typeof each === 'string' && each.startsWith('/'));
  if (!good) return undefined;
  const { way, carried, ...others } = value as unknown as MigrationRecord;
  return { ...others, ...(isWay(way) && { way }), ...(areCarried(carried) && { carried }) };
}

/** Left out where it cannot be read: then none of them is removed. */
function areCarried(carried: unknown): carried is CarriedFile[] {
  return (
    Array.isArray(carried) &&
    carried.every(
      (each) => typeof each?.path === 'string' && each.path.startsWith('/') && typeof each.sha256 === 'string',
    )
  );
}

/** Left out where it cannot be read: then libvirt chooses a way of its own. */
function isWay(way: unknown): way is MigrationWay {
  if (typeof way !== 'object' || way === null) return false;
  const { uri, listenAddress, tls } = way as Record<keyof MigrationWay, unknown>;
  const named = typeof tls === 'object' && tls !== null && 'destination' in tls && typeof tls.destination === 'string';
  return (
    [uri, listenAddress].every((each) => each === undefined || typeof each === 'string') &&
    (tls === undefined || typeof tls === 'boolean' || named)
  );
}
