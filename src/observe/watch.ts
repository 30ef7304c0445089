import { DomainAccess, isOfOneDomain, isQueued, withTimeout } from '../apply/index.js';
import { type Connection, VIR_CONNECT_LIST_DOMAINS_PERSISTENT } from '../connection/index.js';
import { isOwnNamespace } from '../domain/index.js';
import { type ErrorCode, LibvirtCanonicalError } from '../errors.js';
import {
  type DomainEventOf,
  domainEvents,
  type EventDevice,
  type EventDomain,
  EventStream,
  type KnownDevices,
  knownIn,
} from '../events/index.js';
import { domainLog } from '../power/index.js';
import { type Drift, driftOf } from './drift.js';
import type { DriftOccasion, Finding } from './findings.js';

/** Options of `watch`. */
export interface WatchOptions {
  readonly signal?: AbortSignal | undefined;
  /**
   * Milliseconds between two looks at the canonical documents: an older libvirt (9.0, not 11.3) sends no event for a device
   * that somebody changes for the next boot. Default 60,000.
   */
  readonly interval?: number;
  /** Events kept for a slow consumer; those beyond are told as a gap. Default 1024. */
  readonly queue?: number;
}

const WATCHED = [
  ...(['lifecycle', 'metadata-change', 'device-added', 'device-removed', 'device-removal-failed', 'io-error'] as const),
] as const;
type Event = DomainEventOf<(typeof WATCHED)[number]>;
type Of<T extends Event['type']> = Extract<Event, { readonly type: T }>;

/** One domain that is watched. */
interface Subject {
  readonly domain: EventDomain;
  readonly reader: DomainAccess;
  readonly known: KnownDevices;
  /** What was said of its canonical document last, or found and not worth saying. */
  told: string | undefined;
  /** Whether it was said that it cannot be read. */
  unreadable: boolean;
  /** Aliases of the disks over which it stands still, each told. */
  readonly stoppedBy: Set<string>;
}

/** A device that the guest let go of, and that is looked at again. */
interface Removal {
  readonly subject: Subject;
  readonly device: EventDevice;
  /** When, by `performance.now()`; 0 for the first look. */
  readonly at: number;
}

/** Milliseconds until a device that would be back is looked at again: a late detach may be about to be completed. */
const LOOK_AGAIN = 500;

/** Milliseconds for which the entry of a process that cannot be seen from here, in another container, is believed. */
const BELIEVED = 10 * 60_000;

/** Whether an apply of this library is under way, in whichever process, as of the last read. */
function isUnderWay({ domain, reader }: Subject): boolean {
  if (isQueued(domain.uuid)) return true;
  const recent = ({ since }: { readonly since: Date }) => Date.now() - since.getTime() < BELIEVED;
  const entries = reader.last?.entries ?? [];
  return entries.some((each) => each.ownerState === 'running' || (each.ownerState === 'unknown' && recent(each)));
}

/** Watches one domain, or all of the host when there is no `only`. */
export function watch(
  connection: Connection,
  only: DomainAccess | undefined,
  options: WatchOptions,
): EventStream<Finding> {
  const { signal, queue, interval = 60_000 } = options;
  if (!(interval > 0))
    throw new LibvirtCanonicalError('ARGUMENT_INVALID', 'interval must be more than 0 milliseconds', {
      path: 'interval',
    });
  const wanted = { only: WATCHED, signal, ...(queue === undefined ? {} : { queue }) };
  const events = domainEvents(connection, only ? { domain: only.handle } : {}, wanted);
  const findings = new Watch(connection, only).findings(events, interval);
  // Its events end first: the generator may be waiting for one, and ends with them.
  const close = () => events.close();
  return new EventStream(events.ready.then(() => ({ next: () => findings.next(), close })));
}

class Watch {
  readonly #connection: Connection;
  readonly #only: DomainAccess | undefined;
  readonly #subjects = new Map<string, Subject>();
  #removals: readonly Removal[] = [];

  constructor(connection: Connection, only: DomainAccess | undefined) {
    this.#connection = connection;
    this.#only = only;
  }

  async *findings(events: EventStream<Event>, interval: number): AsyncGenerator<Finding, undefined> {
    try {
      let next = ahead(events);
      yield* this.#lookAtAll('start');
      let due = performance.now() + interval;
      for (;;) {
        if (performance.now() >= due) {
          yield* this.#lookAtAll('interval');
          due = performance.now() + interval;
        }
        const wake = Math.min(due, ...this.#removals.map(({ at }) => at));
        const got = await withTimeout(next, Math.max(wake - performance.now(), 0), 'watching');
        yield* this.#lookAtRemovals();
        if (!got) continue;
        if (got.done) return undefined;
        next = ahead(events);
        const event = got.value;
        if (event.type === 'gap') {
          yield event;
          // What it would be told by may be what is missing.
          for (const { stoppedBy } of this.#subjects.values()) stoppedBy.clear();
          yield* this.#lookAtAll('gap');
          continue;
        }
        yield* this.#found(event);
        if (this.#only && event.type === 'lifecycle' && event.event === 'undefined' && event.detail === 'removed')
          return undefined;
      }
    } finally {
      await events.close();
    }
  }

  async *#found(event: Exclude<Event, Of<'gap'>>): AsyncGenerator<Finding, void> {
    const { domain } = event;
    const subject = this.#subject(domain);
    switch (event.type) {
      case 'lifecycle':
        return yield* this.#lifecycle(subject, event);
      case 'metadata-change':
        // What this library keeps there is no news, and is written while it works.
        if (!isOwnNamespace(event.uri ?? '')) yield* this.#look(subject, 'metadata');
        return;
      case 'device-added':
        // So that its alias is known when it goes.
        await quietly(() => subject.reader.documents());
        return;
      case 'device-removed':
        return yield* this.#removed({ subject, device: subject.known.device(event.device.alias), at: 0 });
      case 'device-removal-failed':
        yield { type: 'device-removal-failed', domain, device: subject.known.device(event.device.alias) };
        return;
      case 'io-error': {
        // Each request that fails sends one.
        const { path, reason } = event;
        const { alias } = event.device;
        if (event.action !== 'pause' || subject.stoppedBy.has(alias)) return;
        subject.stoppedBy.add(alias);
        if (subject.known.target(alias) === undefined) await quietly(() => subject.reader.documents());
        yield {
          type: 'io-error',
          domain,
          device: subject.known.device(alias),
          target: subject.known.target(alias),
          path,
          reason,
        };
      }
    }
  }

  /**
   * Tells of a device that the guest let go of. While an apply is under way, in whichever process, it may be the one that
   * asked for it, and has still to take it out of the canonical document: that is looked at again until the apply is over.
   */
  async *#removed(removal: Removal): AsyncGenerator<Finding, void> {
    const { subject, device } = removal;
    const canonical = (await quietly(() => subject.reader.documents()))?.canonical;
    const back = canonical?.devices.some(
      ({ userAlias, identity }) => userAlias === device.alias || identity === device.identity,
    );
    if ((canonical && isUnderWay(subject)) || (back && removal.at === 0)) {
      this.#removals = [...this.#removals, { subject, device, at: performance.now() + LOOK_AGAIN }];
      return;
    }
    const known = canonical && (device.id ?? device.identity) !== undefined;
    const nextBoot = back ? 'back' : known ? 'gone' : 'unknown';
    yield { type: 'device-removed', domain: subject.domain, device, nextBoot };
  }

  async *#lookAtRemovals(): AsyncGenerator<Finding, void> {
    const now = performance.now();
    const due = this.#removals.filter(({ at }) => at <= now);
    this.#removals = this.#removals.filter(({ at }) => at > now);
    for (const each of due) yield* this.#removed(each);
  }

  async *#lifecycle(subject: Subject, { domain, event, detail }: Of<'lifecycle'>): AsyncGenerator<Finding, void> {
    if (event === 'started' || event === 'resumed') subject.stoppedBy.clear();
    if (event === 'defined') yield* this.#look(subject, 'defined');
    if (event === 'undefined') this.#subjects.delete(domain.uuid);
    if (event === 'crashed') yield { type: 'guest-panic', domain, detail };
    if (event === 'stopped' && (detail === 'failed' || detail === 'crashed')) {
      const log = await quietly(() => domainLog(subject.reader, {}));
      yield {
        type: 'crash',
        domain,
        detail,
        log: log ?? { path: undefined, tail: undefined, absent: 'the domain is gone' },
      };
    }
  }

  async *#lookAtAll(occasion: DriftOccasion): AsyncGenerator<Finding, void> {
    for (const domain of await this.#all()) yield* this.#look(this.#subject(domain), occasion);
  }

  async #all(): Promise<readonly EventDomain[]> {
    if (this.#only) return [this.#only.handle];
    const args = { need_results: 1, flags: VIR_CONNECT_LIST_DOMAINS_PERSISTENT };
    return (await quietly(() => this.#connection.call('CONNECT_LIST_ALL_DOMAINS', args)))?.domains ?? [];
  }

  /** Reads the canonical document and tells of drift when it is news. */
  async *#look(subject: Subject, occasion: DriftOccasion): AsyncGenerator<Finding, void> {
    const { domain, reader } = subject;
    // What this process is about to change is looked at once it is done and sealed.
    if (isQueued(domain.uuid)) return;
    let drift: Drift | undefined;
    try {
      drift = await quietly(() => driftOf(reader, {}));
      subject.unreadable = false;
    } catch (error) {
      if (!isOfOneDomain(error)) throw error;
      if (!subject.unreadable) yield { type: 'unreadable', domain, error };
      subject.unreadable = true;
    }
    if (!drift || drift.apply === 'under way' || isUnderWay(subject)) return;
    const before = subject.told;
    subject.told = isWorthSaying(drift) ? JSON.stringify(drift.changes) + drift.seal : drift.seal;
    const sealed = before === 'missing' && subject.told === 'intact';
    if (before === subject.told || sealed || (before === undefined && !isWorthSaying(drift))) return;
    yield { type: 'drift', domain, drift, occasion };
  }

  #subject({ name, uuid }: EventDomain): Subject {
    const known = this.#subjects.get(uuid);
    if (known) return known;
    const reader = this.#only ?? new DomainAccess(this.#connection, { name, uuid, id: -1 });
    const subject: Subject = {
      domain: { name, uuid },
      reader,
      known: knownIn(() => reader.known),
      told: undefined,
      unreadable: false,
      stoppedBy: new Set(),
    };
    this.#subjects.set(uuid, subject);
    return subject;
  }
}

/** The next event, which is looked at later and may fail before. */
function ahead(events: EventStream<Event>): Promise<IteratorResult<Event, undefined>> {
  const next = events.next();
  next.catch(() => {});
  return next;
}

/** A domain without a seal is nobody's yet, and what a newer libvirt adds by itself is nobody's doing. */
function isWorthSaying({ seal, changes }: Drift): boolean {
  return seal === 'unreadable' || seal === 'older' || changes.some(({ by }) => by === 'somebody');
}

const PASSING: ReadonlySet<ErrorCode> = new Set([
  'DOMAIN_NOT_FOUND',
  'CONNECTION_LOST',
  'CONNECTION_CLOSED',
  'TIMEOUT',
]);

/** What is read; undefined when the domain went meanwhile, or the connection, which its events tell, or it took too long. */
async function quietly<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof LibvirtCanonicalError && PASSING.has(error.code)) return undefined;
    throw error;
  }
}
