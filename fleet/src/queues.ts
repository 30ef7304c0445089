/** Queues of the engine. Operations themselves; domains by the host that they leave, and by the one at which they arrive; lanes of a change by host. */
export const OPERATIONS = 'operations';
export const DEPARTURES = 'departures';
export const ARRIVALS = 'arrivals';
export const LANES = 'lanes';

/** Milliseconds between two looks at a queue, or at a run that is waited for. */
export const POLL = 100;

/** How much may be under way at a time, over all workers of a store. */
export interface Limits {
  /** Domains that move over all. Default 20. */
  readonly total: number;
  /** Domains that leave one host. Default 2. */
  readonly perSource: number;
  /** Domains that arrive at one host. Default 2. */
  readonly perTarget: number;
  /** Domains of one host that are changed at a time. Default 2. */
  readonly perHost: number;
  /** Hosts × domains of a change over all. Default 40. */
  readonly changes: number;
}

export const LIMITS: Limits = { total: 20, perSource: 2, perTarget: 2, perHost: 2, changes: 40 };

/** The id of what is done with one domain in a run. */
export const domainRun = (run: string, does: string, host: string, uuid: string): string =>
  `${run}:${does}:${host}:${uuid}`;
