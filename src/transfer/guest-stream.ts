import type { ReadableStream, WritableStream } from 'node:stream/web';
import { type Connection, type DomainHandle, VIR_DOMAIN_CONSOLE_FORCE } from '../connection/index.js';
import { LibvirtCanonicalError } from '../errors.js';

/** Both directions of a console or a channel, in bytes. `Duplex.fromWeb` of node:stream makes one Node stream of it. */
export interface GuestStream extends AsyncDisposable {
  /** Ends when the domain does. What nobody read before the stream was opened is lost. */
  readonly readable: ReadableStream<Uint8Array>;
  /** A write resolves when the socket takes more; a guest that reads nothing holds it up. `close` detaches. */
  readonly writable: WritableStream<Uint8Array>;
}

/** Options of `console`. */
export interface ConsoleOptions {
  /** Alias of the console or serial port, e.g. `serial1` or a user alias. Default: the first console. */
  readonly device?: string | undefined;
  /** Takes the console from whoever has it, whose stream ends with an error. Default false: LIBVIRT, `VIR_ERR_OPERATION_FAILED`. */
  readonly force?: boolean | undefined;
  /** Ends the stream, also once it is open. */
  readonly signal?: AbortSignal | undefined;
}

/** libvirt holds this channel itself: whoever opens it besides gets nothing. */
const AGENT = /^org\.qemu\.guest_agent\./;

/** virDomainOpenConsole. */
export async function openConsole(
  connection: Connection,
  dom: DomainHandle,
  { device, force = false, signal }: ConsoleOptions = {},
): Promise<GuestStream> {
  const args = { dom, dev_name: device ?? null, flags: force ? VIR_DOMAIN_CONSOLE_FORCE : 0 };
  // Streams that are not sparse carry bytes alone.
  return (await connection.stream('DOMAIN_OPEN_CONSOLE', args, { signal })) as unknown as GuestStream;
}

/** virDomainOpenChannel. Throws UNSUPPORTED for the guest agent's channel. */
export async function openChannel(
  connection: Connection,
  dom: DomainHandle,
  name: string,
  { signal }: Pick<ConsoleOptions, 'signal'> = {},
): Promise<GuestStream> {
  if (AGENT.test(name)) {
    throw new LibvirtCanonicalError('UNSUPPORTED', `libvirt itself holds the channel ${name} of the guest agent`, {
      remedy: 'Ask the agent by `agent` of the domain',
    });
  }
  return (await connection.stream(
    'DOMAIN_OPEN_CHANNEL',
    { dom, name, flags: 0 },
    { signal },
  )) as unknown as GuestStream;
}
