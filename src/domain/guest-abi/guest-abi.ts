import { sha256 } from '#platform';
import { BOOLEAN, checkOptions, words } from '../../options.js';
import { type Leaves, leaves, select, under } from '../../xml/index.js';
import { isSecret } from '../devices/index.js';
import { type Device, type DomainDocument, withoutNumber } from '../document.js';
import { REDACTED } from '../operation.js';
import { addressText } from '../places/address.js';
import { bytesOfXml } from '../values.js';
import { DOMAIN_ABI, type DomainAbiRow } from './fields.js';
import { implicitReason } from './listed.js';
import type { AbiDifference, DeviceAbi, GuestAbi } from './values.js';

const ZPCI = ['address/zpci/@uid', 'address/zpci/@fid'];
const BY_ADDRESS = ['address', 'alias', 'boot'];

/** The guest ABI of a document. It is stored and logged, so it has a digest of each text that may be a secret. */
export function guestAbi(document: DomainDocument): GuestAbi {
  const domain: Record<string, string> = {};
  const all = new Map([...domainLeaves(document), ...filterLeaves(document)]);
  for (const [path, value] of all) {
    const row = rowOf(path);
    if (!row) continue;
    if (isSecret('domain', path)) domain[path] = digestOf(value);
    else domain[path] = row.amount ? kib(value, all.get(`${path}/@unit`)) : value;
  }
  return { machine: document.machine, domain, devices: document.devices.map(deviceAbi) };
}

/** Tells that a secret has changed without showing it. */
function digestOf(secret: string): string {
  return `${REDACTED} sha256:${sha256(secret, 'base64url').slice(0, 16)}`;
}

/** The rules of USB redirection stand among the devices, but are none. */
function filterLeaves({ root }: DomainDocument): Array<[string, string]> {
  const [filter] = select(root, 'devices/redirfilter');
  return filter ? [...leaves(filter)].map(([path, value]) => [`devices/redirfilter/${path}`, value]) : [];
}

/** The row of the table that a path falls under; numbers of repeated elements do not matter. */
function rowOf(path: string): DomainAbiRow | undefined {
  return DOMAIN_ABI.find((row) =>
    row.path.endsWith('/**')
      ? under(path, row.path.slice(0, -3))
      : under(path, row.path) && depth(path) === depth(row.path),
  );
}

function depth(path: string): number {
  return path.split('/').length;
}

function kib(value: string, unit: string | undefined): string {
  return `${bytesOfXml(value, unit, 'KiB') / 1024n} KiB`;
}

function deviceAbi(device: Device): DeviceAbi {
  const fields: Record<string, string> = {};
  for (const [path, value] of device.leaves) {
    if (device.kind.abi.some((field) => under(path, field)) && !BY_ADDRESS.some((field) => under(path, field)))
      fields[path] = value;
  }
  const acpiIndex = device.leaves.get('acpi/@index');
  if (acpiIndex !== undefined) fields['acpi/@index'] = acpiIndex;
  // What an s390x guest names a PCI device by, beside its address.
  for (const path of ZPCI) {
    const value = device.leaves.get(path);
    if (value !== undefined) fields[path] = value;
  }
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

/** How two guest ABIs are compared. */
export interface CompareOptions {
  /** One is of the canonical, the other of the live document: what QEMU and libvirt fill in at start is no difference. */
  readonly live?: boolean;
  /** Also compare what changes while the machine stays the same: name, current memory, which vCPUs are online. Default `ignore`. */
  readonly volatile?: 'ignore' | 'compare';
}

/** What differs between two guest ABIs, each with the device, the field, and both values. */
export function compareGuestAbi(before: GuestAbi, after: GuestAbi, options: CompareOptions = {}): AbiDifference[] {
  checkOptions<CompareOptions>('compareGuestAbi', options, { live: BOOLEAN, volatile: words('ignore', 'compare') });
  const differences: AbiDifference[] = [];
  const compare = (subject: string, a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>) => {
    for (const field of new Set([...Object.keys(a), ...Object.keys(b)])) {
      if (a[field] !== b[field]) differences.push({ subject, field, before: a[field], after: b[field] });
    }
  };
  const compared = ({ domain }: GuestAbi) =>
    Object.fromEntries(
      (options.live ? Object.entries(domain).map(aligned) : Object.entries(domain)).filter(([path]) => {
        const row = rowOf(path);
        return !(options.live && row?.live) && (options.volatile === 'compare' || !row?.volatile);
      }),
    );
  compare('domain', compared(before), compared(after));
  const missing = new Set(before.devices);
  const added = new Set(after.devices);
  for (const same of SAMENESS) {
    for (const device of missing) {
      const other = [...added].find((each) => same(device, each));
      if (!other) continue;
      missing.delete(device);
      added.delete(other);
      compare(device.identity, flat(device, options.live), flat(other, options.live));
    }
  }
  const there = ({ address = 'there' }: DeviceAbi) => address;
  const why = (device: DeviceAbi, abi: GuestAbi) => {
    const benign = implicitReason(device, abi);
    return benign === undefined ? {} : { benign };
  };
  for (const device of missing) {
    const at = { before: there(device), after: undefined, ...why(device, before) };
    differences.push({ subject: device.identity, field: 'device', ...at });
  }
  for (const device of added) {
    const at = { before: undefined, after: there(device), ...why(device, after) };
    differences.push({ subject: device.identity, field: 'device', ...at });
  }
  return differences;
}

/** An amount of memory as QEMU gets it. */
function aligned([path, value]: [string, string]): [string, string] {
  if (!rowOf(path)?.aligned) return [path, value];
  return [path, String(Math.ceil(Number.parseInt(value, 10) / 1024) * 1024)];
}

/** The differences that the guest sees. */
export function seenByGuest(differences: readonly AbiDifference[]): AbiDifference[] {
  return differences.filter(({ benign }) => benign === undefined);
}

/** When two devices are one, best sign first: a NIC that only got another MAC is still told by its place. */
const SAMENESS: ReadonlyArray<(a: DeviceAbi, b: DeviceAbi) => boolean> = [
  // Of several of one name the number changes when one goes, their places stay.
  (a, b) =>
    a.kind === b.kind &&
    withoutNumber(a.name) === withoutNumber(b.name) &&
    a.address !== undefined &&
    a.address === b.address,
  (a, b) => a.identity === b.identity,
  (a, b) => a.kind === b.kind && a.name === b.name,
  (a, b) => a.kind === b.kind && a.address !== undefined && a.address === b.address,
];

/** `live`: where a module begins is told by the running guest only. */
function flat(device: DeviceAbi, live?: boolean): Readonly<Record<string, string>> {
  const address = live ? device.address?.replace(/^(dimm \d+)@.*/, '$1') : device.address;
  return {
    ...device.fields,
    ...(address === undefined ? {} : { address }),
    ...(device.bootOrder === undefined ? {} : { 'boot/@order': String(device.bootOrder) }),
  };
}
