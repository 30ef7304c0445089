import type { Connection } from '../connection/index.js';
import type { DomainDocument } from '../domain/index.js';
import type { DomainAccess } from './domain-access.js';

/** How often a guest is asked to let go of a device, and how long it has each time. */
export interface Patience {
  readonly attempts: number;
  /** Milliseconds after each request. */
  readonly timeout: number;
}

/** For a guest that is known to answer: it may be busy. */
const WITH_GUEST: Patience = { attempts: 8, timeout: 20_000 };
/** For one that may have no system at all: firmware, a boot that never ended, CPUs that are stopped. */
const UNTIL_ANSWERED: Patience = { attempts: 4, timeout: 10_000 };

/** The runs of domains whose guest has answered a request, by connection. */
const answered = new WeakMap<Connection, Set<string>>();

const runOf = ({ handle }: DomainAccess, live: DomainDocument | undefined) =>
  `${handle.uuid} ${live?.value('@id') ?? ''}`;

/** Notes that the guest of this run has let go of a device, or refused to. */
export function noteAnswer(reader: DomainAccess, live: DomainDocument | undefined): void {
  const runs = answered.get(reader.connection) ?? new Set();
  answered.set(reader.connection, runs.add(runOf(reader, live)));
}

/**
 * The patience that the caller asks for, else a long one with a guest that has answered before in this run, or whose agent is
 * connected, else a shorter one.
 */
export function patienceWith(
  reader: DomainAccess,
  live: DomainDocument | undefined,
  asked: Partial<Patience>,
): Patience {
  const known =
    answered.get(reader.connection)?.has(runOf(reader, live)) === true ||
    live?.devices.some(({ leaves }) => leaves.get('target/@state') === 'connected') === true;
  const { attempts, timeout } = known || asked.timeout !== undefined ? WITH_GUEST : UNTIL_ANSWERED;
  return { attempts: asked.attempts ?? attempts, timeout: asked.timeout ?? timeout };
}
