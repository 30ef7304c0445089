import { type DomainAccess, notFound } from '../apply/index.js';
import { type CallOptions, LibvirtError } from '../connection/index.js';
import { LibvirtCanonicalError } from '../errors.js';

/** virDomainState, and the reasons of each, as libvirt numbers them. */
const STATES = {
  nostate: ['unknown'],
  running: [
    ...(['unknown', 'booted', 'migrated', 'restored', 'fromSnapshot', 'unpaused', 'migrationCanceled'] as const),
    ...(['saveCanceled', 'wakeup', 'crashed', 'postcopy', 'postcopyFailed'] as const),
  ],
  blocked: ['unknown'],
  paused: [
    ...(['unknown', 'user', 'migration', 'save', 'dump', 'ioError', 'watchdog', 'fromSnapshot'] as const),
    ...(['shuttingDown', 'snapshot', 'crashed', 'startingUp', 'postcopy', 'postcopyFailed', 'apiError'] as const),
  ],
  shutdown: ['unknown', 'user'],
  shutoff: ['unknown', 'shutdown', 'destroyed', 'crashed', 'migrated', 'saved', 'failed', 'fromSnapshot', 'daemon'],
  crashed: ['unknown', 'panicked'],
  pmsuspended: ['unknown'],
} as const;
const NAMES = Object.keys(STATES) as DomainState[];

/** What a domain is doing; `shutdown` means on its way down. */
export type DomainState = keyof typeof STATES;
/** Why it is so, in libvirt's words: virDomainPausedReason and the like. */
export type DomainStateReason = (typeof STATES)[DomainState][number];

/** A state and its reason by libvirt's numbers. */
export function stateNamed(number: number, reason: number): { state: DomainState; reason: DomainStateReason } {
  const state = NAMES[number] ?? 'nostate';
  return { state, reason: (STATES[state] as readonly DomainStateReason[])[reason] ?? 'unknown' };
}

/** virDomainGetState. */
export async function stateOf(
  reader: DomainAccess,
  options: CallOptions = {},
): Promise<{ state: DomainState; reason: DomainStateReason }> {
  const dom = reader.handle;
  try {
    const told = await reader.connection.call('DOMAIN_GET_STATE', { dom, flags: 0 }, options);
    return stateNamed(told.state, told.reason);
  } catch (error) {
    throw notFound(error, dom);
  }
}

/** `DOMAIN_STATE` unless the domain is shut off. */
export async function assertShutOff(reader: DomainAccess, what: string, call: CallOptions): Promise<void> {
  const { state } = await stateOf(reader, call);
  if (state === 'shutoff' || state === 'crashed') return;
  const { name } = reader.handle;
  throw new LibvirtCanonicalError('DOMAIN_STATE', `domain ${name} is ${state} and cannot be ${what}`, {
    domain: name,
    remedy: 'Shut it down first',
  });
}

/** libvirt's OPERATION_INVALID and BLOCK_COPY_ACTIVE as `DOMAIN_STATE`; anything else as it is. */
export function stateError({ handle }: DomainAccess, what: string, error: unknown): unknown {
  const busy = error instanceof LibvirtError && error.errorName === 'VIR_ERR_BLOCK_COPY_ACTIVE';
  if (!busy && !isInvalidNow(error)) return notFound(error, handle);
  return new LibvirtCanonicalError(
    'DOMAIN_STATE',
    `domain ${handle.name} cannot ${what} now: ${error.libvirtMessage}`,
    {
      cause: error,
      domain: handle.name,
      remedy: busy ? 'blockJobs() lists what runs: adoptBlockJob or abortBlockJob ends it' : 'Look at state()',
    },
  );
}

/** True for libvirt's "not in the state that the domain is in". */
export function isInvalidNow(error: unknown): error is LibvirtError {
  return error instanceof LibvirtError && error.errorName === 'VIR_ERR_OPERATION_INVALID';
}
