import { type CallOptions, type Connection, LibvirtError } from '../connection/index.js';
import { type Element, parseElement, valueAt } from '../xml/index.js';

/** What a domain asks of a host before anything else: by these libvirt finds what the host can do for it. */
export interface DomainKind {
  readonly emulatorbin: string | null;
  readonly arch: string | null;
  readonly machine: string | null;
  readonly virttype: string | null;
}

/** Emulator, architecture, machine and type of a `<domain>`; null for what it leaves to the host. */
export function kindOf(domain: Element): DomainKind {
  return {
    emulatorbin: valueAt(domain, 'devices/emulator') ?? null,
    arch: valueAt(domain, 'os/type/@arch') ?? null,
    machine: valueAt(domain, 'os/type/@machine') ?? null,
    virttype: valueAt(domain, '@type') ?? null,
  };
}

/**
 * What the host can do for such a domain; LibvirtError when it can do nothing for it, as for a machine type that its QEMU
 * does not have. virConnectGetDomainCapabilities.
 */
export async function domainCapabilities(
  connection: Connection,
  kind: DomainKind,
  options: CallOptions,
): Promise<Element> {
  const args = { ...kind, flags: 0 };
  return parseElement((await connection.call('CONNECT_GET_DOMAIN_CAPABILITIES', args, options)).capabilities);
}

/** The same; undefined when the host can do nothing for such a domain. */
export async function domainCapabilitiesIfAny(
  connection: Connection,
  kind: DomainKind,
  options: CallOptions,
): Promise<Element | undefined> {
  try {
    return await domainCapabilities(connection, kind, options);
  } catch (error) {
    if (error instanceof LibvirtError) return undefined;
    throw error;
  }
}
