/** What each witness tells of a domain's devices, in one form. Pure: documents, monitor answers and guest reports in, views out. */
import type { GuestReport } from '../testing/index.js';
import { attribute, childrenOf, type Part, tag } from './parts.js';
import { tokens } from './tokens.js';

/** What one witness says of one device: `place`, and what else must not change, each as text. */
export type Seen = Readonly<Record<string, string>>;
/** Device → what a witness says of it. A disk is named by its serial, a NIC by its MAC, others by what is natural to them. */
export type View = ReadonlyMap<string, Seen>;

interface DocumentDevice {
  readonly name: string;
  /** The alias that QEMU knows it by, in a live document. */
  readonly alias: string;
  /** `0000:05:00.0`, for a device on PCI. */
  readonly pci: string;
  readonly seen: Seen;
}

/** Every child of `<devices>`, by a reading that shares no code with the library's own. */
export function devicesOf(xml: string): DocumentDevice[] {
  const parts = childrenOf(tokens(xml), 'devices').filter((part) => part[0]?.[1] !== 'emulator');
  const bridges = new Map(parts.flatMap(bridgeOf));
  const names = new Set<string>();
  return parts.map((part) => {
    const pci = pciOf(part);
    const model = attribute(part, 'model', 'type') || attribute(part, 'target', 'bus');
    const seen = {
      // A port added beside the first of its slot makes that one multifunction: libvirt does not count it as another place.
      place: pci ? chainOf(pci, bridges) : tag(part, 'address').join(' ').replace(' multifunction=on', ''),
      ...(pci ? { pci } : {}),
      ...pick('mac', attribute(part, 'mac', 'address')),
      ...pick('target', attribute(part, 'target', 'dev').replace(/^(vnet|tap|macvtap)\d+$/, '')),
      ...pick('alias', attribute(part, 'alias', 'name').replace(/^(?!ua-).*/, '')),
      ...pick('model', model),
      ...pick('boot', attribute(part, 'boot', 'order')),
    };
    const base = `${part[0]?.[1]} ${identityOf(part) || seen.place}`.trim();
    let name = base;
    for (let n = 2; names.has(name); n++) name = `${base} #${n}`;
    names.add(name);
    return { name, alias: attribute(part, 'alias', 'name'), pci, seen };
  });
}

/** A document as a witness. */
export function documentView(xml: string): View {
  return new Map(devicesOf(xml).map(({ name, seen }) => [name, seen]));
}

/** The link of a NIC as a document has it; libvirt writes none where it is up. */
export function linkOf(xml: string, mac: string): 'up' | 'down' {
  const part = childrenOf(tokens(xml), 'devices').find((each) => attribute(each, 'mac', 'address') === mac);
  return part && attribute(part, 'link', 'state') === 'down' ? 'down' : 'up';
}

/** The text of `<description>`, by which somebody else's edit is recognised. */
export function descriptionOf(xml: string): string {
  const part = childrenOf(tokens(xml), 'domain').find((each) => each[0]?.[1] === 'description');
  return part?.find(([kind]) => kind === 'text')?.[1] ?? '';
}

/** One function of QEMU's own list of PCI devices, the answer to `query-pci`. */
export interface QemuPciDevice {
  readonly qdev_id: string;
  readonly slot: number;
  readonly function: number;
  readonly pci_bridge?: { readonly devices?: readonly QemuPciDevice[] };
}

/** QEMU as a witness: its own tree of PCI devices, named by the aliases of the live document. */
export function qemuView(buses: readonly { readonly devices: readonly QemuPciDevice[] }[], live: string): View {
  const places = new Map<string, string>();
  const walk = (devices: readonly QemuPciDevice[], above: string) => {
    for (const device of devices) {
      const place = `${above}${hex(device.slot)}.${device.function}`;
      // The machine's own devices have no id; that something is at their place is all QEMU tells.
      places.set(device.qdev_id || `at ${place}`, place);
      walk(device.pci_bridge?.devices ?? [], `${place}/`);
    }
  };
  for (const { devices } of buses) walk(devices, '');
  return new Map(
    devicesOf(live).flatMap(({ name, alias, pci, seen }) => {
      const place = places.get(alias) ?? places.get(`at ${seen.place}`);
      return pci && place !== undefined ? [[name, { place }] as const] : [];
    }),
  );
}

/** The guest as a witness: the way below /sys/devices to each disk and NIC, and where all other PCI functions are. */
export function guestView(report: GuestReport): View {
  const view = new Map<string, Seen>();
  const known = new Set<string>();
  const add = (name: string, path: string, pciAddress = '') => {
    const way = (path.match(/[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]/g) ?? []).join('/');
    known.add(pciAddress);
    // Two NICs with one MAC, in the order of their ways.
    let unique = name;
    for (let n = 2; view.has(unique); n++) unique = `${name} #${n}`;
    // What the driver numbers by itself (virtio3) is left out. The bus numbers stay: names such as enp5s0 are made of them.
    view.set(unique, { place: way.replace(/[0-9a-f]{4}:[0-9a-f]{2}:/g, ''), path: way });
  };
  for (const { serial, name, path, pciAddress } of byPath(report.disks))
    add(`disk ${serial ?? name}`, path, pciAddress);
  for (const { mac, path, pciAddress } of byPath(report.interfaces)) add(`interface ${mac}`, path, pciAddress);
  const others = new Map<string, string[]>();
  for (const { address, vendor, device } of report.pci)
    if (!known.has(address)) {
      const name = `pci ${vendor.slice(2)}:${device.slice(2)}`;
      others.set(name, [...(others.get(name) ?? []), address]);
    }
  for (const [name, addresses] of others) view.set(name, { path: addresses.sort().join(' ') });
  return view;
}

const byPath = <T extends { readonly path: string }>(list: readonly T[]) =>
  [...list].sort((a, b) => (a.path < b.path ? -1 : 1));
const pick = (key: string, value: string): Seen => (value === '' ? {} : { [key]: value });
const hex = (value: number) => value.toString(16).padStart(2, '0');

/** What a device is called: a NIC by MAC, a disk by serial or target, others by their attributes. */
function identityOf(part: Part): string {
  const [, element = '', ...own] = part[0] ?? [];
  if (element === 'interface') return attribute(part, 'mac', 'address');
  if (element === 'disk') return textOf(part, 'serial') || attribute(part, 'target', 'dev');
  const attributes = own.filter((each) => /^(type|index|bus|model)=/.test(each)).map((each) => each.split('=')[1]);
  return attributes.join(' ');
}

function textOf(part: Part, name: string): string {
  const child = childrenOf(part, part[0]?.[1] ?? '').find((each) => each[0]?.[1] === name);
  return child?.find(([kind]) => kind === 'text')?.[1] ?? '';
}

function pciOf(part: Part): string {
  const given = new Map(tag(part, 'address').map((each) => each.split('=') as [string, string]));
  if (given.get('type') !== 'pci') return '';
  const part16 = (name: string) => (given.get(name) ?? '').replace(/^0x/, '');
  return `${part16('domain')}:${part16('bus')}:${part16('slot')}.${part16('function')}`;
}

/** PCI bus number → the place of the bridge that makes it. */
function bridgeOf(part: Part): [number, string][] {
  const [, element, ...own] = part[0] ?? [];
  const index = own.find((each) => each.startsWith('index='));
  return element === 'controller' && own.includes('type=pci') && index !== undefined
    ? [[Number(index.slice('index='.length)), pciOf(part)]]
    : [];
}

/** Slots and functions on the way from the root bus: what document, QEMU and guest say alike, whatever the buses are numbered. */
function chainOf(pci: string, bridges: ReadonlyMap<number, string>): string {
  const way: string[] = [];
  for (let at: string | undefined = pci; at && way.length < 16; ) {
    way.unshift(at.slice(8));
    const bus: number = Number.parseInt(at.slice(5, 7), 16);
    at = bus === 0 ? undefined : bridges.get(bus);
  }
  return way.join('/');
}
