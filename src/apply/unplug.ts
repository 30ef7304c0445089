import { type CallOptions, LibvirtError } from '../connection/index.js';
import type { Device, DomainDocument, Operation } from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import type { DomainReader } from './read.js';
import { nextItem, within } from './wait.js';

/** Milliseconds between two looks at the document while no event comes: libvirt can lose one. */
const LOOK_AGAIN = 1_000;

/** How long a guest is given to let go of a device. */
export interface UnplugOptions {
  /** How often to ask. Default 8. */
  readonly attempts?: number;
  /** Milliseconds to wait after each request. Default 20,000. */
  readonly timeout?: number;
}

/**
 * Asks the running guest to let go of a device and waits until the live document shows that it has. The waiter is
 * registered before the call; the document, not the event, is what is believed.
 *
 * Errors: `UNPLUG_REFUSED` when the guest says no, `UNPLUG_UNCONFIRMED` when it says nothing in time: the request
 * stands, and a guest that reboots lets go then.
 */
export async function unplug(
  reader: DomainReader,
  operation: Omit<Operation, 'inverse'>,
  { attempts = 8, timeout = 20_000 }: UnplugOptions,
  signal?: AbortSignal,
): Promise<void> {
  const { connection, handle } = reader;
  const call: CallOptions = { signal };
  const target = still((await reader.documents(call)).live, operation);
  if (!target) return;

  await using removed = await connection.subscribe('DEVICE_REMOVED', { domain: handle });
  await using failed = await connection.subscribe('DEVICE_REMOVAL_FAILED', { domain: handle });
  const mine = ({ devAlias }: { devAlias: string }) => devAlias === target.alias;
  // One for all attempts: an item that comes between two requests must not be lost to a waiter that gave up.
  const outcome = Promise.race([nextItem(removed, mine), nextItem(failed, mine)]);
  // A lost connection ends both; the next call says so with its own error.
  outcome.catch(() => {});
  const gone = async () => !still((await reader.documents(call)).live, operation);
  for (let attempt = 0; attempt < attempts; attempt++) {
    if (!(await ask(reader, operation, gone, call))) return;
    for (const deadline = performance.now() + timeout; performance.now() < deadline; ) {
      const slice = Math.min(LOOK_AGAIN, deadline - performance.now());
      const item = await within(outcome, slice, `waiting for the guest to let go of ${operation.subject}`, signal);
      if (await gone()) return;
      if (item?.type === 'event' && item.name === 'DEVICE_REMOVAL_FAILED') throw refused(operation, handle.name);
      // An event about the device that is still there (or an overflow) has told what it can; from here on only looking helps.
      if (item) await within(new Promise<never>(() => {}), slice, 'waiting for the guest', signal);
    }
  }
  throw new LibvirtCanonicalError(
    'UNPLUG_UNCONFIRMED',
    `the guest of ${handle.name} did not let go of ${operation.subject} within ${attempts} × ${timeout} ms`,
    {
      domain: handle.name,
      device: operation.subject,
      remedy:
        'The request stands and takes effect when the guest answers or reboots; the canonical document still has the device',
    },
  );
}

/** Sends the request; false when the device is gone already. One that is still in the process of an earlier unplug is waited for. */
async function ask(
  { connection, handle }: DomainReader,
  operation: Omit<Operation, 'inverse'>,
  gone: () => Promise<boolean>,
  call: CallOptions,
): Promise<boolean> {
  const { procedure, args } = operation.call;
  try {
    await connection.call(procedure as 'DOMAIN_DETACH_DEVICE_ALIAS', { dom: handle, ...args } as never, call);
    return true;
  } catch (error) {
    if (!(error instanceof LibvirtError)) throw error;
    if (error.errorName === 'VIR_ERR_OPERATION_FAILED') throw refused(operation, handle.name, error);
    if (await gone()) return false;
    if (!inProgress(error)) throw error;
    return true;
  }
}

/** The device that an operation is about, while the document still has it. */
function still(live: DomainDocument | undefined, operation: Omit<Operation, 'inverse'>): Device | undefined {
  const { args } = operation.call;
  if ('alias' in args) return live?.devices.find((device) => device.alias === args.alias);
  return live?.devices.find((device) => device.identity === operation.subject);
}

/** QEMU 6 and newer refuse a second device_del while the first is pending; libvirt hands its text on as an internal error. */
function inProgress(error: LibvirtError): boolean {
  return error.errorName === 'VIR_ERR_INTERNAL_ERROR';
}

function refused({ subject }: { subject: string }, domain: string, cause?: unknown): LibvirtCanonicalError {
  return new LibvirtCanonicalError('UNPLUG_REFUSED', `the guest of ${domain} refused to let go of ${subject}`, {
    ...(cause === undefined ? {} : { cause }),
    domain,
    device: subject,
    remedy: 'Free it inside the guest (unmount, take down), then ask again; both documents still have it',
  });
}
