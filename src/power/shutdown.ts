import { type DomainAccess, nextItem, notify, withTimeout } from '../apply/index.js';
import {
  CallTimeoutError,
  type EventItem,
  type EventSubscription,
  LibvirtError,
  VIR_DOMAIN_EVENT_STOPPED,
  VIR_DOMAIN_REBOOT_ACPI_POWER_BTN,
  VIR_DOMAIN_REBOOT_GUEST_AGENT,
  VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN,
  VIR_DOMAIN_SHUTDOWN_GUEST_AGENT,
} from '../connection/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import { destroy } from './destroy.js';
import { isInvalidNow, stateError, stateOf } from './state.js';

/** Milliseconds between two requests: a guest that boots does not hear the first. */
const ASK_AGAIN = 5_000;

/** How a guest is asked: by its power button, or by the agent in it. */
export type ShutdownMethod = 'acpi' | 'agent';

/** How the guest is asked to shut down, and for how long. */
export interface ShutdownOptions {
  /** Ends the wait. The guest has been asked and may still shut down. */
  readonly signal?: AbortSignal | undefined;
  /**
   * `acpi` (default): the power button. `agent`: the QEMU guest agent, which also stops a guest that ignores the button.
   * `agent-else-acpi`: the button when the agent is not there or does not answer.
   */
  readonly by?: ShutdownMethod | 'agent-else-acpi' | undefined;
  /** Milliseconds the guest has. Default 60,000. */
  readonly timeout?: number | undefined;
  /** Milliseconds until it is asked again. Default 5,000. */
  readonly askAgain?: number | undefined;
  /** What to do when it is still there by then: an error (default), or pull the plug. */
  readonly onTimeout?: 'error' | 'destroy' | undefined;
  /** Told each time the guest is asked. What it throws is dropped. */
  readonly onProgress?: ((progress: ShutdownProgress) => void) | undefined;
}

/** How far a shutdown or a reboot by the guest is. */
export interface ShutdownProgress {
  /** How the guest was asked last, and how often so far. */
  readonly by: ShutdownMethod;
  readonly requests: number;
  /** Milliseconds since the first request, and until the deadline. */
  readonly elapsed: number;
  readonly remaining: number;
}

/** The call that asks, and how one knows that the guest has done it. */
interface Asking {
  /** `shut down`, for messages. */
  readonly what: string;
  readonly procedure: 'DOMAIN_SHUTDOWN_FLAGS' | 'DOMAIN_REBOOT';
  readonly flags: Readonly<Record<ShutdownMethod, number>>;
  readonly events: EventSubscription<'LIFECYCLE' | 'REBOOT'>;
  /** Looked at after each event, and whenever waiting ends. */
  done(event: EventItem<'LIFECYCLE' | 'REBOOT'> | undefined): Promise<boolean>;
}

/** What libvirt says when there is no agent, or none that answers. */
const NO_AGENT: readonly string[] = [
  'AGENT_UNRESPONSIVE',
  'AGENT_UNSYNCED',
  'AGENT_COMMAND_TIMEOUT',
  'ARGUMENT_UNSUPPORTED',
];

/** virDomainShutdownFlags, asked again until the guest is off or the time is up. */
export async function shutdown(reader: DomainAccess, options: ShutdownOptions): Promise<void> {
  const { connection, handle: dom } = reader;
  const { signal, onTimeout = 'error' } = options;
  await using events = await connection.subscribe('LIFECYCLE', { domain: dom });
  const gone = await askGuest(
    reader,
    {
      what: 'shut down',
      procedure: 'DOMAIN_SHUTDOWN_FLAGS',
      flags: { acpi: VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN, agent: VIR_DOMAIN_SHUTDOWN_GUEST_AGENT },
      events,
      done: async () => (await stateOf(reader, { signal })).state === 'shutoff',
    },
    options,
  );
  if (gone) return;
  if (onTimeout === 'destroy') return destroy(reader, { signal });
  throw late(reader, 'shut down', options, "ask for onTimeout: 'destroy' to pull the plug");
}

/** virDomainReboot: the QEMU process lives on. `DOMAIN_STATE` when the domain's own `on_reboot` stops it instead. */
export async function rebootGuest(reader: DomainAccess, options: ShutdownOptions): Promise<void> {
  const { connection, handle: dom } = reader;
  await using events = await connection.subscribe(['LIFECYCLE', 'REBOOT'], { domain: dom });
  const reset = await askGuest(
    reader,
    {
      what: 'reboot',
      procedure: 'DOMAIN_REBOOT',
      flags: { acpi: VIR_DOMAIN_REBOOT_ACPI_POWER_BTN, agent: VIR_DOMAIN_REBOOT_GUEST_AGENT },
      events,
      done: async (event) => {
        if (event?.type !== 'event') return false;
        if (event.name === 'REBOOT') return true;
        if (event.data.event !== VIR_DOMAIN_EVENT_STOPPED) return false;
        throw new LibvirtCanonicalError('DOMAIN_STATE', `domain ${dom.name} stopped instead of rebooting`, {
          domain: dom.name,
          remedy: 'Its on_reboot says so, or somebody stopped it; start it, or set lifecycle: { reboot: … }',
        });
      },
    },
    options,
  );
  if (!reset) throw late(reader, 'reboot', options, "ask for mode: 'hard'");
}

/** True when the guest has done it, false when the time is up. `DOMAIN_STATE`, `AGENT_UNAVAILABLE`, `ABORTED`. */
async function askGuest(reader: DomainAccess, asking: Asking, options: ShutdownOptions): Promise<boolean> {
  const { signal, timeout = 60_000, askAgain = ASK_AGAIN } = options;
  const { what, events, done } = asking;
  const begun = performance.now();
  const deadline = begun + timeout;
  let by: ShutdownMethod = options.by === undefined || options.by === 'acpi' ? 'acpi' : 'agent';
  let event = nextItem(events, () => true);
  event.catch(() => {});
  for (let requests = 1; performance.now() < deadline; requests++) {
    try {
      await request(reader, asking, by, deadline - performance.now(), signal);
    } catch (error) {
      if (isInvalidNow(error)) {
        if (requests > 1 && (await done(undefined))) return true;
        throw stateError(reader, what, error);
      }
      if (by !== 'agent' || !isNoAgent(error)) throw error;
      if (options.by === 'agent') throw noAgent(reader, what, error);
      by = 'acpi';
      continue;
    }
    const now = performance.now();
    notify(options.onProgress, { by, requests, elapsed: now - begun, remaining: Math.max(deadline - now, 0) });
    const until = Math.min(now + askAgain, deadline);
    for (let left = until - now; left > 0; left = until - performance.now()) {
      const item = await withTimeout(event, left, `asking the guest of ${reader.handle.name} to ${what}`, signal);
      if (await done(item)) return true;
      if (item) event = nextItem(events, () => true);
    }
  }
  return false;
}

/** Sends one request. An agent answers by doing it, so libvirt may wait for as long as the guest takes. */
async function request(
  { connection, handle: dom }: DomainAccess,
  { procedure, flags }: Asking,
  by: ShutdownMethod,
  left: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const timeout = by === 'agent' ? { timeout: left } : {};
  await connection.call(procedure, { dom, flags: flags[by] }, { signal, ...timeout }).catch((error: unknown) => {
    if (by === 'agent' && error instanceof CallTimeoutError) return;
    throw error;
  });
}

function isNoAgent(error: unknown): boolean {
  return error instanceof LibvirtError && NO_AGENT.some((name) => error.errorName === `VIR_ERR_${name}`);
}

function noAgent({ handle: { name } }: DomainAccess, what: string, cause: unknown): LibvirtCanonicalError {
  const said = cause instanceof LibvirtError ? cause.libvirtMessage : String(cause);
  return new LibvirtCanonicalError('AGENT_UNAVAILABLE', `the agent of ${name} could not be asked to ${what}: ${said}`, {
    cause,
    domain: name,
    remedy: "Ask with by: 'acpi', or 'agent-else-acpi'; an agent needs the channel org.qemu.guest_agent.0",
  });
}

function late(
  { handle: { name } }: DomainAccess,
  what: string,
  { timeout = 60_000 }: ShutdownOptions,
  remedy: string,
): LibvirtCanonicalError {
  return new LibvirtCanonicalError('TIMEOUT', `the guest of ${name} did not ${what} within ${timeout} ms`, {
    domain: name,
    remedy: `It may not hear what it is asked by; ${remedy}`,
  });
}
