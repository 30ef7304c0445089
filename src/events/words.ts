/**
 * What libvirt numbers in its events, in libvirt's own words: `VIR_DOMAIN_EVENT_STOPPED_FROM_SNAPSHOT` is `fromSnapshot` of
 * `stopped`. The place in a list is the number.
 */
export const LIFECYCLE = {
  defined: ['added', 'updated', 'renamed', 'fromSnapshot'],
  undefined: ['removed', 'renamed'],
  started: ['booted', 'migrated', 'restored', 'fromSnapshot', 'wakeup', 'recreated'],
  suspended: [
    ...(['paused', 'migrated', 'ioerror', 'watchdog', 'restored', 'fromSnapshot', 'apiError'] as const),
    ...(['postcopy', 'postcopyFailed'] as const),
  ],
  resumed: ['unpaused', 'migrated', 'fromSnapshot', 'postcopy', 'postcopyFailed'],
  stopped: ['shutdown', 'destroyed', 'crashed', 'migrated', 'saved', 'failed', 'fromSnapshot', 'recreated'],
  shutdown: ['finished', 'guest', 'host'],
  pmsuspended: ['memory', 'disk'],
  crashed: ['panicked', 'crashloaded'],
} as const;

/** The other lists, each by what its constants begin with. */
export const WORDS = {
  WATCHDOG: ['none', 'pause', 'reset', 'poweroff', 'shutdown', 'debug', 'injectnmi'],
  IO_ERROR: ['none', 'pause', 'report'],
  GRAPHICS: ['connect', 'initialize', 'disconnect'],
  GRAPHICS_ADDRESS: ['ipv4', 'ipv6', 'unix'],
  BLOCK_JOB_TYPE: ['unknown', 'pull', 'copy', 'commit', 'active-commit', 'backup'],
  BLOCK_JOB: ['completed', 'failed', 'canceled', 'ready'],
  DISK: ['changeMissingOnStart', 'dropMissingOnStart'],
  TRAY_CHANGE: ['open', 'close'],
  AGENT_LIFECYCLE_STATE: ['unknown', 'connected', 'disconnected'],
  AGENT_LIFECYCLE_REASON: ['unknown', 'domainStarted', 'channel'],
  METADATA: ['description', 'title', 'element'],
  MEMORY_FAILURE_RECIPIENT: ['hypervisor', 'guest'],
  MEMORY_FAILURE_ACTION: ['ignore', 'inject', 'fatal', 'reset'],
} as const;

/** A word of a list. `unknown`: a number that this version has no word for, of a newer libvirt. */
export type Word<L extends keyof typeof WORDS> = (typeof WORDS)[L][number] | 'unknown';

export function word<L extends keyof typeof WORDS>(list: L, number: number): Word<L> {
  return (WORDS[list] as readonly Word<L>[])[number] ?? 'unknown';
}

type Lifecycle = typeof LIFECYCLE;

/** What happened to a domain, and why or how. */
export type LifecycleChange =
  | {
      [E in keyof Lifecycle]: { readonly event: E; readonly detail: Lifecycle[E][number] | 'unknown' };
    }[keyof Lifecycle]
  | { readonly event: 'unknown'; readonly detail: 'unknown' };

const EVENTS = Object.keys(LIFECYCLE) as Array<keyof Lifecycle>;

export function lifecycleChange(event: number, detail: number): LifecycleChange {
  const name = EVENTS[event];
  if (name === undefined) return { event: 'unknown', detail: 'unknown' };
  return { event: name, detail: LIFECYCLE[name][detail] ?? 'unknown' } as LifecycleChange;
}
