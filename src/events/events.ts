import gte from 'semver/functions/gte.js';
import {
  type Connection,
  DOMAIN_EVENTS,
  type DomainEventName,
  type DomainHandle,
  type EventItem,
} from '../connection/index.js';
import type { Device, DomainDocument } from '../domain/index.js';
import { AbortedError, LibvirtCanonicalError } from '../errors.js';
import { meant } from '../nearest.js';
import type { DomainEvent, DomainEventType, EventDevice } from './fields.js';
import { EventStream, type Source } from './stream.js';
import { DOMAIN_EVENT_ROWS, type KnownDevices } from './table.js';

/** Options of `events`. */
export interface EventsOptions<T extends DomainEventType = DomainEventType> {
  /** Only these types; the daemon sends no others. Default: all that its libvirt has. */
  readonly only?: readonly T[];
  /** Ends the stream. */
  readonly signal?: AbortSignal | undefined;
  /** Events kept for a slow consumer; those beyond are told as a gap. Default 1024. */
  readonly queue?: number;
}

/** An event of these types, or a gap. */
export type DomainEventOf<T extends DomainEventType> = Extract<DomainEvent, { readonly type: T | 'gap' }>;

/** Whose events, and the documents in which aliases are looked up, newest first. */
export interface EventsOf {
  readonly domain?: DomainHandle;
  readonly documents?: () => readonly DomainDocument[];
}

/** The events of one domain, or of all. `UNSUPPORTED` for a type that this libvirt has not. */
export function domainEvents<T extends DomainEventType>(
  connection: Connection,
  { domain, documents = () => [] }: EventsOf,
  { only, signal, queue }: EventsOptions<T>,
): EventStream<DomainEventOf<T>> {
  const names = namesOf(connection.libvirtVersion, only);
  const known = knownIn(documents);
  const open = async (): Promise<Source<DomainEventOf<T>>> => {
    const subscription = await connection.subscribe(names, { domain, signal, queue });
    return {
      close: () => subscription.close(),
      next: async () => {
        const { done, value } = await subscription.next();
        return done ? { done, value: undefined } : { done: false, value: told(value, known) as DomainEventOf<T> };
      },
    };
  };
  const ended: Source<DomainEventOf<T>> = {
    close: async () => {},
    next: async () => ({ done: true, value: undefined }),
  };
  // A signal ends a stream normally, also one that is not registered yet.
  return new EventStream(
    open().catch((error: unknown) => {
      if (error instanceof AbortedError && signal?.aborted) return ended;
      throw error;
    }),
  );
}

/** The events of libvirt that tell these types. */
function namesOf(libvirt: string, only: readonly DomainEventType[] | undefined): DomainEventName[] {
  const told = (Object.keys(DOMAIN_EVENT_ROWS) as DomainEventName[]).flatMap((name) => {
    const row = DOMAIN_EVENT_ROWS[name];
    return 'type' in row ? [{ name, type: row.type, since: DOMAIN_EVENTS[name] }] : [];
  });
  if (!only) return told.filter(({ since }) => gte(libvirt, since)).map(({ name }) => name);
  return only.map((type) => {
    const row = told.find((each) => each.type === type);
    if (row && gte(libvirt, row.since)) return row.name;
    throw new LibvirtCanonicalError(
      'UNSUPPORTED',
      row
        ? `libvirt ${libvirt} has no event ${type}: it came with ${row.since}`
        : `${String(type)} is no event of a domain`,
      {
        remedy: `${
          row
            ? ''
            : meant(
                type,
                told.map((each) => each.type),
              )
        }Leave it out of \`only\``,
      },
    );
  });
}

function told(item: EventItem<DomainEventName>, known: KnownDevices): DomainEvent {
  if (item.type === 'gap') return { type: 'gap', reason: 'connection', lost: undefined };
  if (item.type === 'overflow') return { type: 'gap', reason: 'overflow', lost: item.lost };
  const { type, read } = DOMAIN_EVENT_ROWS[item.name] as { type: DomainEventType; read: ReadRow };
  const { name, uuid } = item.data.dom;
  return { type, domain: { name, uuid }, ...read(item.data as never, known) } as DomainEvent;
}

type ReadRow = (message: never, known: KnownDevices) => object;

/** Devices by alias, with those that the documents no longer have by the time that somebody looks at the event. */
export function knownIn(documents: () => readonly DomainDocument[]): KnownDevices {
  const seen = new WeakSet<DomainDocument>();
  const devices = new Map<string, Device>();
  const look = (): void => {
    // The newest document has the last word.
    for (const document of [...documents()].reverse()) {
      if (seen.has(document)) continue;
      seen.add(document);
      for (const device of document.devices) if (device.alias !== undefined) devices.set(device.alias, device);
    }
  };
  look();
  const find = (alias: string): Device | undefined => {
    look();
    return devices.get(alias);
  };
  return {
    device: (alias): EventDevice => ({
      alias,
      id: alias.startsWith('ua-') ? alias.slice(3) : undefined,
      identity: find(alias)?.identity,
    }),
    target: (alias) => find(alias)?.leaves.get('target/@dev'),
  };
}
