import { type DomainReader, nextItem, notFound, within } from '../apply/index.js';
import {
  type CallOptions,
  LibvirtError,
  VIR_DOMAIN_REBOOT_ACPI_POWER_BTN,
  VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN,
  VIR_DOMAIN_START_FORCE_BOOT,
  VIR_DOMAIN_START_PAUSED,
} from '../connection/index.js';
import { LibvirtCanonicalError } from '../errors.js';

/** virDomainState. */
const STATES = ['nostate', 'running', 'blocked', 'paused', 'shutdown', 'shutoff', 'crashed', 'pmsuspended'] as const;
/** What a domain is doing; `shutdown` means on its way down. */
export type DomainState = (typeof STATES)[number];

/** Milliseconds between two requests to shut down: a guest that boots does not hear the first. */
const ASK_AGAIN = 5_000;

export interface StartOptions {
  readonly signal?: AbortSignal | undefined;
  /** Start with the vCPUs stopped. */
  readonly paused?: boolean;
  /**
   * What to do when a managed-save image is there, which carries its own document: `refuse` (default), `restore` it, or
   * `discard` it and boot.
   */
  readonly managedSave?: 'refuse' | 'restore' | 'discard';
}

export interface ShutdownOptions {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds the guest has. Default 60,000. */
  readonly timeout?: number;
  /** What to do when it has not shut down by then: an error (default), or pull the plug. */
  readonly onTimeout?: 'error' | 'destroy';
}

export async function stateOf(reader: DomainReader, options: CallOptions = {}): Promise<DomainState> {
  const dom = reader.handle;
  try {
    const { state } = await reader.connection.call('DOMAIN_GET_STATE', { dom, flags: 0 }, options);
    return STATES[state] ?? 'nostate';
  } catch (error) {
    throw notFound(error, dom);
  }
}

/** virDomainCreateWithFlags. */
export async function start(
  reader: DomainReader,
  { signal, paused, managedSave = 'refuse' }: StartOptions,
): Promise<void> {
  const { connection, handle: dom } = reader;
  const call: CallOptions = { signal };
  if (managedSave === 'refuse') await refuseManagedSave(reader, call);
  const flags = (paused ? VIR_DOMAIN_START_PAUSED : 0) | (managedSave === 'discard' ? VIR_DOMAIN_START_FORCE_BOOT : 0);
  try {
    await connection.call('DOMAIN_CREATE_WITH_FLAGS', { dom, flags }, { ...call, timeout: Number.POSITIVE_INFINITY });
  } catch (error) {
    if (!(error instanceof LibvirtError)) throw error;
    if (error.errorName === 'VIR_ERR_OPERATION_INVALID') throw wrongState(reader, 'start', error);
    throw new LibvirtCanonicalError('START_FAILED', `domain ${dom.name} did not start: ${error.libvirtMessage}`, {
      cause: error,
      domain: dom.name,
      remedy: "Mend what libvirt names; the domain's log has QEMU's own words",
    });
  }
}

/** `DOMAIN_STATE` when a managed-save image waits: a plain start would restore it, with a document of its own. */
export async function refuseManagedSave({ connection, handle: dom }: DomainReader, call: CallOptions): Promise<void> {
  const { result } = await connection.call('DOMAIN_HAS_MANAGED_SAVE_IMAGE', { dom, flags: 0 }, call);
  if (result === 0) return;
  throw new LibvirtCanonicalError(
    'DOMAIN_STATE',
    `domain ${dom.name} has a managed-save image, which carries its own document`,
    {
      domain: dom.name,
      remedy: "Start it with managedSave: 'restore' or 'discard'",
    },
  );
}

/** `DOMAIN_STATE` unless the domain is shut off. */
export async function refuseRunning(reader: DomainReader, what: string, call: CallOptions): Promise<void> {
  const state = await stateOf(reader, call);
  if (state === 'shutoff' || state === 'crashed') return;
  const { name } = reader.handle;
  throw new LibvirtCanonicalError('DOMAIN_STATE', `domain ${name} is ${state} and cannot be ${what}`, {
    domain: name,
    remedy: 'Shut it down first',
  });
}

/** libvirt's OPERATION_INVALID as `DOMAIN_STATE`; anything else as it is. */
export function stateError(reader: DomainReader, what: string, error: unknown): unknown {
  const invalid = error instanceof LibvirtError && error.errorName === 'VIR_ERR_OPERATION_INVALID';
  return invalid ? wrongState(reader, what, error) : notFound(error, reader.handle);
}

/** virDomainShutdownFlags by ACPI power button, asked again until the guest is off. */
export async function shutdown(
  reader: DomainReader,
  { signal, timeout = 60_000, onTimeout = 'error' }: ShutdownOptions,
): Promise<void> {
  const { connection, handle: dom } = reader;
  const call: CallOptions = { signal };
  await using lifecycle = await connection.subscribe('LIFECYCLE', { domain: dom });
  const deadline = performance.now() + timeout;
  let stopped = nextItem(lifecycle, () => true);
  stopped.catch(() => {});
  for (let asked = false; ; asked = true) {
    try {
      await connection.call('DOMAIN_SHUTDOWN_FLAGS', { dom, flags: VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN }, call);
    } catch (error) {
      if (!(error instanceof LibvirtError) || error.errorName !== 'VIR_ERR_OPERATION_INVALID') throw error;
      if (asked) return;
      throw wrongState(reader, 'shut down', error);
    }
    const askAgain = Math.min(performance.now() + ASK_AGAIN, deadline);
    while (performance.now() < askAgain) {
      const item = await within(stopped, askAgain - performance.now(), `shutting down ${dom.name}`, signal);
      if ((await stateOf(reader, call)) === 'shutoff') return;
      if (item) stopped = nextItem(lifecycle, () => true);
    }
    if (performance.now() >= deadline) break;
  }
  if (onTimeout === 'destroy') return destroy(reader, call);
  throw new LibvirtCanonicalError('TIMEOUT', `domain ${dom.name} did not shut down within ${timeout} ms`, {
    domain: dom.name,
    remedy: "The guest may not hear the ACPI power button; ask for onTimeout: 'destroy' to pull the plug",
  });
}

/** virDomainDestroyFlags. A domain that is off already is as asked. */
export async function destroy(reader: DomainReader, options: CallOptions): Promise<void> {
  try {
    await reader.connection.call('DOMAIN_DESTROY_FLAGS', { dom: reader.handle, flags: 0 }, options);
  } catch (error) {
    if (
      error instanceof LibvirtError &&
      error.errorName === 'VIR_ERR_OPERATION_INVALID' &&
      (await stateOf(reader, options)) === 'shutoff'
    )
      return;
    throw error;
  }
}

/** Asks the guest to reboot by ACPI and waits for the reset. virDomainReboot; the QEMU process lives on. */
export async function rebootGuest(reader: DomainReader, { signal, timeout = 60_000 }: ShutdownOptions): Promise<void> {
  const { connection, handle: dom } = reader;
  const call: CallOptions = { signal };
  await using resets = await connection.subscribe('REBOOT', { domain: dom });
  const reset = nextItem(resets, () => true);
  reset.catch(() => {});
  const deadline = performance.now() + timeout;
  while (performance.now() < deadline) {
    try {
      await connection.call('DOMAIN_REBOOT', { dom, flags: VIR_DOMAIN_REBOOT_ACPI_POWER_BTN }, call);
    } catch (error) {
      throw error instanceof LibvirtError && error.errorName === 'VIR_ERR_OPERATION_INVALID'
        ? wrongState(reader, 'reboot', error)
        : error;
    }
    if (await within(reset, Math.min(ASK_AGAIN, deadline - performance.now()), `rebooting ${dom.name}`, signal)) return;
  }
  throw new LibvirtCanonicalError('TIMEOUT', `the guest of ${dom.name} did not reboot within ${timeout} ms`, {
    domain: dom.name,
    remedy: "It may not hear the ACPI power button; ask for mode: 'hard'",
  });
}

function wrongState({ handle }: DomainReader, what: string, cause: LibvirtError): LibvirtCanonicalError {
  return new LibvirtCanonicalError(
    'DOMAIN_STATE',
    `domain ${handle.name} cannot ${what} now: ${cause.libvirtMessage}`,
    {
      cause,
      domain: handle.name,
      remedy: 'Look at state()',
    },
  );
}
