import {
  type DomainEventOf,
  type DomainEventType,
  domainEvents,
  type EventStream,
  type EventsOptions,
} from '../events/index.js';
import type { Finding } from '../observe/index.js';
import { type WatchOptions, watch } from '../observe/index.js';
import { DomainDrift } from './domain-drift.js';

/** What a domain tells by itself. */
export abstract class DomainEvents extends DomainDrift {
  /**
   * What libvirt tells of the domain, in its own words. It listens from the call on, `ready` resolves when the daemon has
   * registered it. A device is named by its alias, its id, and its identity where this object has read a document with it.
   * A `gap` stands where events are missing. virConnectDomainEventRegisterAny. Throws `UNSUPPORTED` for a type in `only` that
   * this libvirt has not; `CONNECTION_LOST` when it is iterated.
   *
   * @example
   * for await (const event of web.events({ signal })) if (event.type === 'io-error') console.log(event.path, event.reason);
   */
  events<T extends DomainEventType = DomainEventType>(options: EventsOptions<T> = {}): EventStream<DomainEventOf<T>> {
    const { connection, handle: domain } = this.reader;
    return domainEvents(connection, { domain, documents: () => this.reader.known }, options);
  }

  /**
   * Watches the domain and tells what an operator wants to know: drift, devices that the guest lets go of, however late,
   * crashes with the end of the log, a guest that stands still since a disk failed, a guest that panicked. Nothing is
   * written. Ends when the domain is undefined. Errors, when it is iterated: `CONNECTION_LOST`.
   *
   * @example
   * for await (const finding of web.watch({ signal })) if (finding.type === 'crash') console.log(finding.log.tail);
   */
  watch(options: WatchOptions = {}): EventStream<Finding> {
    return watch(this.reader.connection, this.reader, options);
  }
}
