import { type Address, addressText, type BusName, busOf, type Device, type Topology } from '../domain/index.js';
import type { TopologyBus, TopologyPort } from '../picture/index.js';
import type { Sighting } from './sightings.js';

/** For devices that have no address. */
const NO_BUS = 'none';

/** The bus that a device makes: a controller's. */
export function madeBy({ kind, leaves }: Device): string | undefined {
  if (kind.element !== 'controller') return undefined;
  return `${leaves.get('@type') ?? ''} ${Number(leaves.get('@index') ?? 0)}`;
}

/** All buses of a domain with their places, each after the one that its controller sits on. */
export function topologyBuses(sightings: readonly Sighting[], places: Topology): TopologyBus[] {
  const buses = new Map<string, BusDraft>();
  const bus = (name: string): BusDraft => {
    const known = buses.get(name) ?? { name, makers: [], ports: new Map() };
    buses.set(name, known);
    return known;
  };
  for (const sighting of sightings) {
    const made = madeBy(sighting.known);
    if (made !== undefined) bus(made).makers.push(sighting);
  }
  for (const { identity, canonical, live } of sightings) {
    for (const [side, device] of [['canonical', canonical] as const, ['live', live] as const]) {
      // What is part of the machine, such as its first PCI bus, sits nowhere.
      if (!device || (!device.address && madeBy(device) !== undefined)) continue;
      const { name, address } = seatOf(device);
      const at = placeName(address, identity);
      const port = portOf(bus(name), at, address);
      port[side] ??= identity;
    }
  }
  for (const name of Object.keys(places.capacity()) as BusName[]) {
    const live = new Set(places.places(name, true).map(({ address }) => addressText(address)));
    for (const { address, free } of places.places(name, false)) {
      const port = portOf(bus(busOfPlace(name, address)), addressText(address), address);
      port.free = free;
      port.hotplug ||= live.has(addressText(address));
    }
  }
  return inTreeOrder([...buses.values()].filter(({ makers, ports }) => makers.length + ports.size > 0));
}

interface BusDraft {
  readonly name: string;
  /** Companions of a USB controller make one bus with it. */
  readonly makers: Sighting[];
  readonly ports: Map<string, PortDraft>;
}

interface PortDraft {
  readonly address: Address | undefined;
  free: boolean;
  hotplug: boolean;
  canonical: string | undefined;
  live: string | undefined;
}

function portOf({ ports }: BusDraft, at: string, address: Address | undefined): PortDraft {
  const known = ports.get(at) ?? { address, free: false, hotplug: false, canonical: undefined, live: undefined };
  ports.set(at, known);
  return known;
}

/** What a place is called where one device is told from another: addresses on virtio-mmio are all the same. */
function placeName(address: Address | undefined, identity: string): string {
  if (address === undefined) return `${NO_BUS} ${identity}`;
  return address.type === 'virtio-mmio' ? `${address.type} ${identity}` : addressText(address);
}

/** The bus that a device sits on. */
function seatOf({ address, kind, leaves }: Device): { name: string; address?: Address } {
  if (!address) return { name: NO_BUS };
  const demand = kind.bus(leaves);
  // A drive address does not say what sort of controller it is on.
  const type = address.type === 'drive' && demand ? busOf(demand) : address.type;
  if (address.type === 'other') return { name: address.text.split(' ')[0] ?? NO_BUS, address };
  return { name: nameOf(type, address), address };
}

function busOfPlace(bus: BusName, address: Address): string {
  return nameOf(address.type === 'drive' ? bus : address.type, address);
}

function nameOf(type: string, address: Address): string {
  if ('controller' in address) return `${type} ${address.controller}`;
  return 'bus' in address ? `${type} ${address.bus}` : type;
}

function inTreeOrder(drafts: readonly BusDraft[]): TopologyBus[] {
  const holders = new Map(
    drafts.flatMap(({ name, ports }) =>
      [...ports.values()].flatMap(({ canonical, live }) =>
        [canonical, live].flatMap((who) => (who === undefined ? [] : [[who, name] as const])),
      ),
    ),
  );
  const depth = (draft: BusDraft, seen: readonly string[] = []): number => {
    const below = holders.get(draft.makers[0]?.identity ?? '');
    const bus = drafts.find(({ name }) => name === below);
    return bus === undefined || seen.includes(bus.name) ? 0 : 1 + depth(bus, [...seen, bus.name]);
  };
  const keyed = drafts.map((draft) => ({ draft, depth: depth(draft) }));
  keyed.sort((a, b) => a.depth - b.depth || byName(a.draft.name, b.draft.name));
  return keyed.map(({ draft }) => finished(draft));
}

/** PCI first, devices without an address last. */
function byName(a: string, b: string): number {
  const rank = (name: string) => (name.startsWith('pci ') ? 0 : name === NO_BUS ? 2 : 1);
  return rank(a) - rank(b) || a.localeCompare(b, 'en', { numeric: true });
}

function finished({ name, makers, ports }: BusDraft): TopologyBus {
  const all = [...ports].sort(([, a], [, b]) => (a.address && b.address ? compareAddresses(a.address, b.address) : 0));
  const side = (which: 'canonical' | 'live') => makers.length === 0 || makers.some((each) => each[which] !== undefined);
  return {
    name,
    model: makers[0]?.known.leaves.get('@model'),
    controller: makers[0]?.identity,
    in: side('canonical') ? (side('live') ? 'both' : 'canonical') : 'live',
    ports: all.map(([at, { address, ...port }]): TopologyPort => ({ address: address ? at : '', ...port })),
  };
}

/** By their numbers, part by part; a USB port as `1.2` by its own. */
function compareAddresses(a: Address, b: Address): number {
  return addressText(a).localeCompare(addressText(b), 'en', { numeric: a.type !== 'pci' });
}
