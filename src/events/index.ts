/**
 * The events room: what libvirt reports of domains, typed, in libvirt's own words.
 */
export { type DomainEventOf, domainEvents, type EventsOf, type EventsOptions, knownIn } from './events.js';
export type {
  DomainEvent,
  DomainEventFields,
  DomainEventType,
  EventDevice,
  EventDomain,
  EventGap,
  GraphicsEnd,
} from './fields.js';
export { EventStream, type Source } from './stream.js';
export { DOMAIN_EVENT_ROWS, type EventRow, type KnownDevices } from './table.js';
export { LIFECYCLE, type LifecycleChange, lifecycleChange, WORDS, type Word, word } from './words.js';
