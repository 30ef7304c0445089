import { type Leaves, leaves, under } from '../xml/index.js';
import { addressText } from './address.js';
import type { Device, DomainDocument } from './document.js';

/** What the guest sees of one device. */
export interface DeviceAbi {
  readonly identity: string;
  readonly kind: string;
  /** Natural name: target, MAC, type and index … */
  readonly name: string;
  /** `pci 0000:04:00.0` and the like; undefined for a device without an address. */
  readonly address: string | undefined;
  readonly bootOrder: number | undefined;
  /** Every other field that the guest can see, by its path in the element. */
  readonly fields: Readonly<Record<string, string>>;
}

/** Everything a guest can see that libvirt fixed in a document. A plain value: store it, compare it later. */
export interface GuestAbi {
  readonly machine: string;
  readonly domain: Readonly<Record<string, string>>;
  readonly devices: readonly DeviceAbi[];
}

/** One difference between two guest ABIs. */
export interface AbiDifference {
  /** `domain`, or the identity of the device. */
  readonly subject: string;
  /** Path of the field; `device` when the whole device is only on one side. */
  readonly field: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/** Fields outside the devices that virDomainDefCheckABIStabilityFlags compares, and firmware paths beyond it. */
const DOMAIN_FIELDS: readonly string[] = [
  '@type',
  'uuid',
  'genid',
  'memory',
  'maxMemory',
  'memoryBacking/source',
  'vcpu',
  'cpu',
  'os/type',
  'os/smbios',
  'os/@firmware',
  'os/loader',
  'os/nvram',
  'features',
  'clock/timer',
  'sysinfo',
];
/** Parts of those that change while a guest lives and that it sees as hot-plug, not as another machine. */
const NOT_FIXED: readonly string[] = [
  'vcpu/@current',
  'vcpu/@cpuset',
  'vcpu/@placement',
  'memory/@unit',
  'memory/@dumpCore',
];
const BY_ADDRESS = ['address', 'alias', 'boot'];

/** The guest ABI of a document. */
export function guestAbi(document: DomainDocument): GuestAbi {
  const domain: Record<string, string> = {};
  for (const [path, value] of domainLeaves(document)) {
    if (DOMAIN_FIELDS.some((field) => under(path, field)) && !NOT_FIXED.some((field) => under(path, field)))
      domain[path] = value;
  }
  return { machine: document.machine, domain, devices: document.devices.map(deviceAbi) };
}

function deviceAbi(device: Device): DeviceAbi {
  const fields: Record<string, string> = {};
  for (const [path, value] of device.leaves) {
    if (device.kind.abi.some((field) => under(path, field)) && !BY_ADDRESS.some((field) => under(path, field)))
      fields[path] = value;
  }
  const acpiIndex = device.leaves.get('acpi/@index');
  if (acpiIndex !== undefined) fields['acpi/@index'] = acpiIndex;
  const order = device.leaves.get('boot/@order');
  return {
    identity: device.identity,
    kind: device.kind.element,
    name: device.name,
    address: device.address && addressText(device.address),
    bootOrder: order === undefined ? undefined : Number(order),
    fields,
  };
}

/** The leaves of a document without its devices and metadata. */
export function domainLeaves(document: DomainDocument): Leaves {
  const all: Leaves = new Map();
  for (let i = 0; i < document.root.attributes.length; i++) {
    const attribute = document.root.attributes.item(i);
    if (attribute) all.set(`@${attribute.name}`, attribute.value);
  }
  const seen = new Map<string, number>();
  for (let node = document.root.firstChild; node; node = node.nextSibling) {
    if (node.nodeType !== node.ELEMENT_NODE || node.nodeName === 'devices' || node.nodeName === 'metadata') continue;
    const nth = (seen.get(node.nodeName) ?? 0) + 1;
    seen.set(node.nodeName, nth);
    const name = nth === 1 ? node.nodeName : `${node.nodeName}[${nth}]`;
    const below = leaves(node as DomainDocument['root']);
    const text = [...below.keys()].some((path) => !path.startsWith('@')) ? '' : (node.textContent ?? '').trim();
    if (text !== '' || below.size === 0) all.set(name, text);
    for (const [path, value] of below) all.set(`${name}/${path}`, value);
  }
  return all;
}

/**
 * What differs between two guest ABIs. `live` compares what both a canonical and a live document hold: QEMU expands the
 * CPU of a running guest and fills features in, which is no difference.
 */
export function compareGuestAbi(before: GuestAbi, after: GuestAbi, options: { live?: boolean } = {}): AbiDifference[] {
  const differences: AbiDifference[] = [];
  const compare = (subject: string, a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>) => {
    for (const field of new Set([...Object.keys(a), ...Object.keys(b)])) {
      if (a[field] !== b[field]) differences.push({ subject, field, before: a[field], after: b[field] });
    }
  };
  const domainOf = (abi: GuestAbi) =>
    options.live
      ? Object.fromEntries(
          Object.entries(abi.domain).filter(
            ([path]) => !['cpu', 'features', 'os/loader', 'os/nvram', 'vcpus'].some((field) => under(path, field)),
          ),
        )
      : abi.domain;
  compare('domain', domainOf(before), domainOf(after));
  const unmatched = new Set(after.devices);
  for (const device of before.devices) {
    const other = counterpart(device, after.devices, unmatched);
    if (!other) {
      differences.push({
        subject: device.identity,
        field: 'device',
        before: device.address ?? 'there',
        after: undefined,
      });
      continue;
    }
    unmatched.delete(other);
    compare(device.identity, flat(device), flat(other));
  }
  for (const device of unmatched)
    differences.push({
      subject: device.identity,
      field: 'device',
      before: undefined,
      after: device.address ?? 'there',
    });
  return differences;
}

function counterpart(
  device: DeviceAbi,
  candidates: readonly DeviceAbi[],
  free: ReadonlySet<DeviceAbi>,
): DeviceAbi | undefined {
  return (
    candidates.find((other) => free.has(other) && other.identity === device.identity) ??
    candidates.find((other) => free.has(other) && other.kind === device.kind && other.name === device.name)
  );
}

function flat(device: DeviceAbi): Readonly<Record<string, string>> {
  return {
    ...device.fields,
    ...(device.address === undefined ? {} : { address: device.address }),
    ...(device.bootOrder === undefined ? {} : { 'boot/@order': String(device.bootOrder) }),
  };
}
