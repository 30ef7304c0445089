import {
  type Device,
  DomainDocument,
  type DomainSpec,
  formatValue,
  freePorts,
  machineOf,
  memorySlots,
  numaCell,
  placesTaken,
  roomFor,
  roomyVcpus,
  specInvalid,
} from '../domain/index.js';
import { type Element, parseElement, select, serialize, setAt, valueAt } from '../xml/index.js';
import type { Draft } from './additions.js';

/** Room for what comes later, for a domain that is given as XML. */
export interface XmlHotplug extends NonNullable<DomainSpec['hotplug']> {
  /** The maximum of vCPUs. Default on q35: four times those it boots with, 255 at most. */
  readonly vcpus?: number;
}

/** PCIe ports, as a define leaves them. */
export interface PortCapacity {
  readonly total: number;
  readonly free: number;
}

/** Gives a document the room that a spec would have: PCIe ports, a maximum of vCPUs, slots for memory devices. */
export function addRoom(draft: Draft, hotplug: XmlHotplug | undefined): void {
  const { vcpus, ...common } = hotplug ?? {};
  addVcpus(draft, vcpus);
  addMemorySlots(draft, common);
  addPorts(draft, common, hotplug?.pciePorts !== undefined);
}

function addVcpus(draft: Draft, asked: number | undefined): void {
  const { root } = draft;
  const now = Number(valueAt(root, 'vcpu') ?? '1');
  const fixed =
    valueAt(root, 'vcpu/@current') !== undefined ||
    select(root, 'vcpus|cpu/topology|cpu/numa').length > 0 ||
    !isQ35(draft.document);
  if (asked === undefined && fixed) return;
  const maximum = asked ?? roomyVcpus(now);
  if (!Number.isSafeInteger(maximum) || maximum < now)
    throw specInvalid(
      'hotplug.vcpus',
      `${formatValue(maximum)} is not a number of at least ${now}`,
      'Give the maximum of vCPUs',
    );
  if (maximum === now) return;
  if (select(root, 'cpu/topology').length > 0)
    throw specInvalid(
      'hotplug.vcpus',
      'the topology of the CPU makes the maximum',
      'Change <topology>, or leave it out',
    );
  const current = valueAt(root, 'vcpu/@current') ?? String(now);
  draft.add(
    'vcpu',
    String(maximum),
    'vCPUs that are not plugged cost next to nothing, and can be plugged while it runs',
  );
  draft.add('vcpu/@current', current, 'it boots with as many vCPUs as it was given');
}

function addMemorySlots(draft: Draft, hotplug: NonNullable<DomainSpec['hotplug']>): void {
  if (hotplug.memory === undefined) return;
  const { root, document } = draft;
  const memory = Number(new DomainDocument(document.toString()).value('memory') ?? 0);
  const kib = memory * unitOf(valueAt(root, 'memory/@unit'));
  const why = 'memory devices need slots, and slots need a NUMA cell';
  for (const [path, value] of memorySlots({ hotplug }, kib)) draft.add(path, value, why);
  if (select(root, 'cpu/numa/cell').length > 0) return;
  for (const [path, value] of numaCell(Number(valueAt(root, 'vcpu') ?? '1'), kib)) draft.add(path, value, why);
}

/** KiB in one of a unit that libvirt takes for memory. */
function unitOf(unit = 'KiB'): number {
  const powers: Readonly<Record<string, number>> = { kib: 1, k: 1, mib: 1024, m: 1024, gib: 1024 ** 2, g: 1024 ** 2 };
  const power = powers[unit.toLowerCase()];
  if (power === undefined)
    throw specInvalid('hotplug.memory', `memory is given in ${unit}`, 'Give it in KiB, MiB or GiB to have slots added');
  return power;
}

function addPorts(draft: Draft, hotplug: NonNullable<DomainSpec['hotplug']>, asked: boolean): void {
  const { document } = draft;
  const why = whyNoPorts(document);
  if (why !== undefined) {
    if (asked)
      throw specInvalid('hotplug.pciePorts', why, 'Leave hotplug.pciePorts out, and lay out the ports in the XML');
    return;
  }
  const free = freePorts({ hotplug } as DomainSpec);
  const controllers = roomFor(
    document.devices.map(({ element }) => serialize(element)),
    machineOf(document),
    free,
  );
  const list = select(draft.root, 'devices')[0] ?? makeDevices(draft.root);
  const owner = draft.root.ownerDocument as NonNullable<Element['ownerDocument']>;
  for (const xml of controllers) list.appendChild(owner.importNode(parseElement(xml), true));
  const ports = controllers.filter((xml) => xml.includes('pcie-root-port')).length;
  const bridges = controllers.filter((xml) => xml.includes("'pci-root'")).length;
  if (ports > 0)
    draft.say(
      'devices/controller',
      `${ports} pcie-root-port`,
      `${document.machine.includes('q35') ? 'q35' : 'the machine'} has one spare port by itself; ${free} are free for hot-plug, and none can be added later`,
    );
  if (bridges > 0)
    draft.say(
      'devices/controller',
      `${bridges} pci-root`,
      `each has 31 slots; ${free} are free for hot-plug, and none can be added later`,
    );
  draft.reread();
}

function makeDevices(root: Element): Element {
  setAt(root, 'devices', '');
  return select(root, 'devices')[0] as Element;
}

/** Why ports cannot be added without moving what the caller laid out; undefined when they can. */
function whyNoPorts(document: DomainDocument): string | undefined {
  const { room } = machineOf(document);
  if (room.by === 'nothing') return `the machine ${document.machine || 'by default'} cannot have them: ${room.reason}`;
  if (document.devices.some(({ kind, leaves }) => kind.element === 'controller' && leaves.get('@type') === 'pci'))
    return 'the XML has PCI controllers of its own, and libvirt would place others among them';
  const placed = document.devices.find(({ address }) => address?.type === 'pci' && address.bus > 0);
  return placed && `${placed.identity} has an address on a bus that the XML has no controller for`;
}

function isQ35({ machine }: DomainDocument): boolean {
  return machine.includes('q35');
}

/** The PCIe ports of a document that is about to be defined; undefined for a machine without. */
export function portCapacity(document: DomainDocument): PortCapacity | undefined {
  const { room } = machineOf(document);
  if (room.by !== 'pcie-root-port') return undefined;
  const total = document.devices.filter(isPort).length;
  return { total, free: Math.max(0, total - placesTaken(document.devices.filter(withoutBus0), room)) };
}

function isPort({ kind, leaves }: Device): boolean {
  return kind.element === 'controller' && leaves.get('@model') === 'pcie-root-port';
}

/** Devices on the root complex take no port. */
function withoutBus0({ address }: Device): boolean {
  return !(address?.type === 'pci' && address.bus === 0);
}
