import { type CallOptions, LibvirtError } from '../connection/index.js';
import type { Device, DomainDocument, Operation } from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import type { DomainAccess } from './domain-access.js';
import { notify } from './domain-queue.js';
import { noteAnswer, type Patience, patienceWith } from './patience.js';
import { nextItem, withTimeout } from './wait.js';

/** Milliseconds between two looks at the document while no event comes: libvirt can lose one. */
const LOOK_AGAIN = 1_000;

/** How long a guest is given to let go of a device, and what becomes of a request that it answers too late. */
export interface UnplugOptions {
  /**
   * How often to ask. Default 8; 4 until the guest has answered once since it was started, or its agent is connected: it may
   * have no system that could answer.
   */
  readonly attempts?: number;
  /** Milliseconds to wait after each request. Default 20,000; 10,000 until the guest has answered once. */
  readonly timeout?: number;
  /**
   * What becomes of the canonical document when the guest lets go after the last attempt, as it does at its next reset:
   * `complete` (default) takes the device out of it too, as long as this connection is open and nothing but that is left
   * of the plan; `leave` does not, and the device is back at the next cold boot. See docs/unplug.md.
   */
  readonly late?: 'complete' | 'leave';
  /** Told at each request to a guest, and each second until it answers. What it throws is dropped. */
  readonly onProgress?: (progress: UnplugProgress) => void;
  /** Told once, how a request that was unconfirmed ended. What it throws is dropped. */
  readonly onLate?: (end: LateUnplug) => void;
}

/** How far a request to a guest to let go of a device is. */
export interface UnplugProgress {
  /** Identity of the device. */
  readonly device: string;
  /** The request, from 1, and how many there will be at most. */
  readonly attempt: number;
  readonly attempts: number;
  /** Milliseconds since the first request, and until the last one is given up. */
  readonly elapsed: number;
  readonly remaining: number;
}

/** How a request ended that the guest had not answered when its apply gave up. */
export interface LateUnplug {
  /** Name of the domain, and identity of the device. */
  readonly domain: string;
  readonly device: string;
  /**
   * `completed`: the guest let go, and neither document has the device. `left`: the guest let go, the canonical document
   * still has it. `refused`: the guest said no. `lapsed`: the domain stopped, another plan took the device over, or the
   * connection ended before the guest answered. `failed`: the guest let go, and completing it failed with `error`.
   */
  readonly outcome: 'completed' | 'left' | 'refused' | 'lapsed' | 'failed';
  readonly error?: unknown;
}

/** How a request to a guest to let go of a device ended. */
export interface UnplugResult {
  /** Identity of the device; `vcpus` for vCPUs. */
  readonly device: string;
  /** `unconfirmed`: the guest said nothing in time. The request stands until the guest answers, is reset or stops. */
  readonly outcome: 'removed' | 'refused' | 'unconfirmed';
}

type Step = Omit<Operation, 'inverse'>;

/**
 * Makes the call of a detach. The canonical document loses the device by the call; the running guest is asked, and the
 * result tells what it did. Errors: `UNPLUG_REFUSED`, `UNPLUG_UNCONFIRMED`, unless the operation says that the guest may
 * keep the device; LibvirtError for what libvirt itself refuses.
 */
export async function detach(
  reader: DomainAccess,
  operation: Step,
  options: UnplugOptions,
  signal?: AbortSignal,
): Promise<UnplugResult | undefined> {
  if (operation.scope !== 'live') {
    await detachConfig(reader, operation, { signal });
    return undefined;
  }
  const { live } = await reader.documents({ signal });
  const patience = patienceWith(reader, live, options);
  const { outcome, cause } = await unplug(reader, operation, live, { ...options, ...patience }, signal);
  if (outcome !== 'unconfirmed') noteAnswer(reader, live);
  if (outcome !== 'removed' && operation.ifKept === undefined)
    throw notRemoved(outcome, operation, reader.handle.name, patience, cause);
  return { device: operation.subject, outcome };
}

/** Takes a device out of the canonical document; one that is gone from it already is as asked. */
async function detachConfig(reader: DomainAccess, operation: Step, call: CallOptions): Promise<void> {
  try {
    await send(reader, operation, call);
  } catch (error) {
    // DEVICE_MISSING, and by kind and alias half a dozen other words for it: the document tells.
    if (!(error instanceof LibvirtError) || subjectIn((await reader.documents(call)).canonical, operation)) throw error;
  }
}

/**
 * Asks the running guest to let go of a device and waits until the live document shows that it has. The waiter is
 * registered before the call, for this domain and live alias; the document, not the event, is what is believed.
 */
async function unplug(
  reader: DomainAccess,
  operation: Step,
  live: DomainDocument | undefined,
  { attempts, timeout, onProgress }: UnplugOptions & Patience,
  signal?: AbortSignal,
): Promise<Pick<UnplugResult, 'outcome'> & { readonly cause?: unknown }> {
  const { connection, handle } = reader;
  const call: CallOptions = { signal };
  const target = subjectIn(live, operation);
  if (!target) return { outcome: 'removed' };

  await using removed = await connection.subscribe('DEVICE_REMOVED', { domain: handle });
  await using failed = await connection.subscribe('DEVICE_REMOVAL_FAILED', { domain: handle });
  const mine = ({ devAlias }: { devAlias: string }) => devAlias === target.alias;
  // One for all attempts: an item that comes between two requests must not be lost to a waiter that gave up.
  const outcome = Promise.race([nextItem(removed, mine), nextItem(failed, mine)]);
  // A lost connection ends both; the next call says so with its own error.
  outcome.catch(() => {});
  const gone = async () => !subjectIn((await reader.documents(call)).live, operation);
  const begun = performance.now();
  const progress = (attempt: number) => {
    const elapsed = performance.now() - begun;
    const remaining = Math.max(attempts * timeout - elapsed, 0);
    notify(onProgress, { device: operation.subject, attempt, attempts, elapsed, remaining });
  };
  for (let attempt = 1; attempt <= attempts; attempt++) {
    try {
      await send(reader, operation, call);
    } catch (error) {
      if (!(error instanceof LibvirtError)) throw error;
      if (await gone()) return { outcome: 'removed' };
      if (rejectedByGuest(error, operation)) return { outcome: 'refused', cause: error };
      if (!inProgress(error)) throw error;
    }
    for (const deadline = performance.now() + timeout; performance.now() < deadline; ) {
      progress(attempt);
      const slice = Math.min(LOOK_AGAIN, deadline - performance.now());
      const item = await withTimeout(outcome, slice, `waiting for the guest to let go of ${operation.subject}`, signal);
      if (await gone()) return { outcome: 'removed' };
      if (item?.type === 'event' && item.name === 'DEVICE_REMOVAL_FAILED') return { outcome: 'refused' };
      // An event about the device that is still there (or an overflow) has told what it can; from here on only looking helps.
      if (item) await withTimeout(new Promise<never>(() => {}), slice, 'waiting for the guest', signal);
    }
  }
  return { outcome: 'unconfirmed' };
}

function send({ connection, handle }: DomainAccess, { call }: Step, options: CallOptions): Promise<unknown> {
  const { procedure, args } = call;
  return connection.call(procedure as 'DOMAIN_DETACH_DEVICE_ALIAS', { dom: handle, ...args } as never, options);
}

/** The device that an operation is about, while the document still has it. */
export function subjectIn(document: DomainDocument | undefined, operation: Step): Device | undefined {
  const { args } = operation.call;
  if ('alias' in args) return document?.devices.find((device) => device.alias === args.alias);
  return document?.devices.find((device) => device.identity === operation.subject);
}

/** Only a call without alias waits for the guest, and fails when it rejects; by alias the same code is libvirt's own no. */
function rejectedByGuest({ errorName }: LibvirtError, { call }: Step): boolean {
  return errorName === 'VIR_ERR_OPERATION_FAILED' && call.procedure !== 'DOMAIN_DETACH_DEVICE_ALIAS';
}

/**
 * QEMU's own words, never translated, which libvirt hands on: an earlier request is still under way, or the guest's PCIe
 * hot-plug is still at work on the slot (pcie_cap_slot_unplug_request_cb).
 */
const BUSY = ['already in the process of unplug', 'guest is busy (power indicator blinking)'];

function inProgress({ libvirtMessage }: LibvirtError): boolean {
  return BUSY.some((words) => libvirtMessage.includes(words));
}

function notRemoved(
  outcome: 'refused' | 'unconfirmed',
  { subject }: Step,
  domain: string,
  { attempts, timeout }: Patience,
  cause: unknown,
): LibvirtCanonicalError {
  const details = { domain, device: subject, ...(cause === undefined ? {} : { cause }) };
  if (outcome === 'refused')
    return new LibvirtCanonicalError('UNPLUG_REFUSED', `the guest of ${domain} refused to let go of ${subject}`, {
      ...details,
      remedy: 'Free it inside the guest (unmount, take down), then ask again; both documents still have it',
    });
  return new LibvirtCanonicalError(
    'UNPLUG_UNCONFIRMED',
    `the guest of ${domain} did not let go of ${subject} within ${attempts} × ${timeout} ms`,
    {
      ...details,
      remedy:
        'The request stands, libvirt cannot take it back: the device goes when the guest answers or is reset; the canonical document still has the device',
    },
  );
}
