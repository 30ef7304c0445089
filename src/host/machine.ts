import type { CallOptions, Connection } from '../connection/index.js';
import { children, type Element, parseElement, select, valueAt } from '../xml/index.js';
import type { DomainKind } from './domain-capabilities.js';
import type { HostFinding } from './finding.js';

/** A machine type as a host lists it. */
export interface Machine {
  /** `pc-q35-7.2`, or an alias such as `q35`. */
  readonly name: string;
  /** What an alias stands for. */
  readonly canonical: string | undefined;
  readonly deprecated: boolean;
}

/** The machine types that a host's QEMU has for a kind of domain. virConnectGetCapabilities. */
export async function machinesOf(connection: Connection, kind: DomainKind, options: CallOptions): Promise<Machine[]> {
  const host = parseElement((await connection.call('CONNECT_GET_CAPABILITIES', {}, options)).capabilities);
  const arch = select(host, 'guest/arch').find((each) => each.getAttribute('name') === kind.arch);
  if (!arch) return [];
  const domain = children(arch, 'domain').find((each) => each.getAttribute('type') === kind.virttype);
  // A type of domain lists its own machines only where they differ from those of the architecture.
  const own = domain ? children(domain, 'machine') : [];
  return (own.length > 0 ? own : children(arch, 'machine')).map(machineOf);
}

export function machineOf(element: Element): Machine {
  return {
    name: element.textContent ?? '',
    canonical: valueAt(element, '@canonical'),
    deprecated: element.getAttribute('deprecated') === 'yes',
  };
}

/** `pc-q35` of `pc-q35-7.2`: machines of one family differ by version only. */
export function familyOf(machine: string): string {
  return machine.replace(/-\d+(\.\d+)*(-.*)?$/, '');
}

/** The newest machine of the same family, as the host's own alias for it says; undefined when it has none. */
export function newestOf(machines: readonly Machine[], machine: string): string | undefined {
  return machines.find(({ canonical }) => canonical !== undefined && familyOf(canonical) === familyOf(machine))
    ?.canonical;
}

/** Whether the host has the machine type, and for how long it may have it. */
export async function checkMachine(
  connection: Connection,
  kind: DomainKind,
  supported: boolean,
  options: CallOptions,
): Promise<HostFinding[]> {
  const { machine } = kind;
  if (machine === null) return [];
  const machines = await machinesOf(connection, kind, options);
  const listed = machines.find(({ name, canonical }) => name === machine || canonical === machine);
  const newest = newestOf(machines, machine);
  const instead = newest ? `, the newest of its family here is ${newest}` : '';
  if (!supported) {
    return [
      {
        severity: 'blocks',
        subject: 'machine',
        problem: `this host's QEMU has no machine ${machine}${instead}`,
        remedy: 'Run it on a host that has it, or give the guest another machine by abiUpgrade',
      },
    ];
  }
  if (!listed?.deprecated) return [];
  return [
    {
      severity: 'warns',
      subject: 'machine',
      problem: `machine ${machine} is deprecated here and gone from a later QEMU${instead}`,
      remedy: 'Plan an abiUpgrade',
    },
  ];
}
