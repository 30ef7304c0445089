import type { CallOptions, Connection } from '../connection/index.js';
import { bytesOfXml } from '../domain/index.js';
import { children, type Element, parseElement, select, valueAt } from '../xml/index.js';
import { domainCapabilitiesIfAny } from './domain-capabilities.js';
import { availableMemory, withFree } from './free-memory.js';
import { type Machine, machineOf } from './machine.js';
import type { NumaCell } from './numa-cell.js';

/** What the host can run for one architecture. */
export interface GuestArchitecture {
  readonly arch: string;
  /** `kvm`, `qemu`. */
  readonly types: readonly string[];
  readonly emulator: string | undefined;
  readonly machines: readonly Machine[];
}

/** A host as libvirt describes it. */
export interface HostInfo {
  readonly hostname: string;
  readonly uuid: string;
  readonly versions: { readonly libvirt: string; readonly hypervisor: string };
  readonly cpu: {
    readonly arch: string;
    /** libvirt's model that is nearest; undefined where it knows none. */
    readonly model: string | undefined;
    readonly vendor: string | undefined;
    /** What it has beyond the model. */
    readonly features: readonly string[];
    /** Logical CPUs that are online. */
    readonly count: number;
    /** Of one NUMA cell. */
    readonly sockets: number;
    readonly cores: number;
    readonly threads: number;
    /** 0 where the host does not tell it. */
    readonly mhz: number;
  };
  /**
   * Bytes. `available` is what is free once the host gives up its caches, tmpfs counted as one; undefined where it does not
   * tell it.
   */
  readonly memory: { readonly total: bigint; readonly free: bigint; readonly available: bigint | undefined };
  readonly numa: readonly NumaCell[];
  readonly guests: readonly GuestArchitecture[];
  /** For guests of the host's own architecture, on its newest machine (q35 on x86). */
  readonly firmware: {
    /** What `firmware` of a spec can be: `efi`, `bios`. */
    readonly kinds: readonly string[];
    /** Paths of images on the host. */
    readonly loaders: readonly string[];
    readonly secureBoot: boolean;
  };
  /** Whether it has an IOMMU, for PCI devices in guests. */
  readonly iommu: boolean;
  /** `apparmor`, `selinux`, `dac`; empty for none. */
  readonly securityModels: readonly string[];
}

/**
 * Reads what a host is and offers. virConnectGetCapabilities, virNodeGetInfo, virNodeGetFreeMemory,
 * virNodeGetMemoryStats, virNodeGetCellsFreeMemory, virNodeGetFreePages, virConnectGetDomainCapabilities.
 */
export async function hostInfo(connection: Connection, call: CallOptions = {}): Promise<HostInfo> {
  const [{ hostname }, { capabilities }, node, { freeMem: free }] = await Promise.all([
    connection.call('CONNECT_GET_HOSTNAME', {}, call),
    connection.call('CONNECT_GET_CAPABILITIES', {}, call),
    connection.call('NODE_GET_INFO', {}, call),
    connection.call('NODE_GET_FREE_MEMORY', {}, call),
  ]);
  const root = parseElement(capabilities);
  const arch = valueAt(root, 'host/cpu/arch') ?? node.model;
  const guests = select(root, 'guest/arch').map(architectureOf);
  const cells = select(root, 'host/topology/cells/cell').map(cellOf);
  const memory = { total: node.memory * 1024n, free };
  return {
    hostname,
    uuid: valueAt(root, 'host/uuid') ?? '',
    versions: { libvirt: connection.libvirtVersion, hypervisor: connection.hypervisorVersion },
    cpu: {
      arch,
      model: valueAt(root, 'host/cpu/model'),
      vendor: valueAt(root, 'host/cpu/vendor'),
      features: select(root, 'host/cpu/feature').flatMap((each) => each.getAttribute('name') ?? []),
      count: node.cpus,
      sockets: node.sockets,
      cores: node.cores,
      threads: node.threads,
      mhz: node.mhz,
    },
    memory: { ...memory, available: await availableMemory(connection, memory, call) },
    numa: await withFree(connection, cells, call),
    guests,
    firmware: await firmwareOf(
      connection,
      guests.find((each) => each.arch === arch),
      call,
    ),
    iommu: valueAt(root, 'host/iommu/@support') === 'yes',
    securityModels: select(root, 'host/secmodel/model')
      .map(({ textContent }) => textContent ?? '')
      .filter((model) => model !== 'none'),
  };
}

function architectureOf(element: Element): GuestArchitecture {
  return {
    arch: element.getAttribute('name') ?? '',
    types: children(element, 'domain').flatMap((each) => each.getAttribute('type') ?? []),
    emulator: valueAt(element, 'emulator'),
    machines: children(element, 'machine').map(machineOf),
  };
}

/** A cell as the capabilities describe it, which do not say what is free. */
function cellOf(cell: Element): NumaCell {
  const number = (value: string | null | undefined) => (value ? Number(value) : undefined);
  const sized = (element: Element, attribute?: string) =>
    bytesOfXml(
      (attribute ? element.getAttribute(attribute) : element.textContent) || '0',
      element.getAttribute('unit') ?? undefined,
      'KiB',
    );
  const [memory] = children(cell, 'memory');
  return {
    id: Number(cell.getAttribute('id')),
    memory: memory ? sized(memory) : 0n,
    free: undefined,
    cpus: select(cell, 'cpus/cpu').map((cpu) => ({
      id: Number(cpu.getAttribute('id')),
      socket: number(cpu.getAttribute('socket_id')),
      core: number(cpu.getAttribute('core_id')),
      siblings: cpu.getAttribute('siblings') || undefined,
    })),
    distances: Object.fromEntries(
      select(cell, 'distances/sibling').map((each) => [each.getAttribute('id'), Number(each.getAttribute('value'))]),
    ),
    pages: children(cell, 'pages').map((each) => ({
      size: sized(each, 'size'),
      count: BigInt(each.textContent || '0'),
      free: undefined,
    })),
  };
}

async function firmwareOf(
  connection: Connection,
  guest: GuestArchitecture | undefined,
  call: CallOptions,
): Promise<HostInfo['firmware']> {
  const machine = guest?.machines.find(({ name }) => name === 'q35')?.name ?? null;
  const kind = { emulatorbin: null, arch: guest?.arch ?? null, machine, virttype: guest?.types[0] ?? null };
  const os = await domainCapabilitiesIfAny(connection, kind, call);
  const values = (path: string) => (os ? select(os, path).map(({ textContent }) => textContent ?? '') : []);
  return {
    kinds: values("os/enum[@name='firmware']/value"),
    loaders: values('os/loader/value'),
    secureBoot: values("os/loader/enum[@name='secure']/value").includes('yes'),
  };
}
