import { EVENTS } from '../generated/protocol-table.js';
import type { EventName } from './subscription.js';

/** An event of virDomainEventID, without VIR_DOMAIN_EVENT_ID_. */
export type DomainEventName = {
  [N in EventName]: (typeof EVENTS)[N][0] extends 'domain' ? N : never;
}[EventName];

/** Every event of a domain, with the first libvirt that has it, as semver. */
export const DOMAIN_EVENTS = Object.fromEntries(
  Object.entries(EVENTS).flatMap(([name, [eventClass, , , since]]) => (eventClass === 'domain' ? [[name, since]] : [])),
) as Readonly<Record<DomainEventName, string>>;
