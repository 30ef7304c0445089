import { addressText, type Device, type DomainDocument, isSameAddress, namesOnceWritten } from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import { under } from '../xml/index.js';
import { differences } from './compare-devices.js';
import { duplicate } from './draft.js';
import type { Intent } from './intent.js';

/** A device of a desired state, and its place in the request. */
export interface Wanted {
  readonly device: Device;
  readonly path: string;
  /** Paths that the caller did not write: what a device to be made would get, and no wish for one that is there. */
  readonly unsaid?: ReadonlySet<string> | undefined;
  /** True for a device of a running guest's document, where much is libvirt's and not the caller's. */
  readonly running?: boolean | undefined;
}

/** A desired device and the one of a document that it is; `undefined` when it is a new one. */
export interface Pair extends Omit<Wanted, 'device'> {
  readonly desired: Device;
  readonly found: Device | undefined;
}

/**
 * Refuses a desired state that no domain can have: a boot order, alias, target, MAC or place twice (`DEVICE_DUPLICATE`),
 * and one that names a device by what several have (`DEVICE_AMBIGUOUS`). What the document itself holds twice may stay.
 */
export function assertDistinct(desired: readonly Wanted[], document: DomainDocument): void {
  const there = new Map<string, number>();
  for (const device of document.devices)
    for (const { key } of claimsOf(device)) there.set(key, (there.get(key) ?? 0) + 1);
  const asked = new Map<string, Wanted[]>();
  for (const each of desired)
    for (const { key, what } of claimsOf(each.device)) {
      const earlier = asked.get(key) ?? [];
      asked.set(key, [...earlier, each]);
      const [first] = earlier;
      if (first && earlier.length >= (there.get(key) ?? 0))
        throw duplicate(each.path, what, `${first.device.identity} (${first.path})`, 'Give each its own');
    }
  for (const { device, path } of desired) {
    const known = document.devices.some(({ userAlias }) => userAlias !== undefined && userAlias === device.userAlias);
    for (const { key, what, names } of known ? [] : claimsOf(device)) {
      const found = there.get(key) ?? 0;
      if (!names || found <= (asked.get(key)?.length ?? 0) || isOneOf(device, document)) continue;
      throw new LibvirtCanonicalError('DEVICE_AMBIGUOUS', `${path}: ${what} is that of ${found} devices`, {
        path,
        remedy: 'Give its address, as devices() shows it',
      });
    }
  }
}

/** True when the device says where it sits, and such a device of the document sits there. */
function isOneOf(device: Device, { devices }: DomainDocument): boolean {
  return devices.some((other) => other.kind === device.kind && isSameAddress(other.address, device.address));
}

interface Claim {
  readonly key: string;
  readonly what: string;
  /** True when the device is known by it. */
  readonly names: boolean;
}

/** What a device has to itself in its domain. */
function claimsOf({ kind, leaves, userAlias, address }: Device): Claim[] {
  const claims: Claim[] = Object.entries(kind.unique).flatMap(([leaf, word]) => {
    const value = leaves.get(leaf)?.toLowerCase();
    return value === undefined
      ? []
      : [{ key: `${kind.element} ${leaf} ${value}`, what: `${word} ${value}`, names: true }];
  });
  const order = leaves.get('boot/@order');
  if (order !== undefined) claims.push({ key: `boot ${order}`, what: `boot order ${order}`, names: false });
  if (userAlias !== undefined) claims.push({ key: `alias ${userAlias}`, what: `alias ${userAlias}`, names: false });
  // A bus without a port is no place: libvirt chooses one on it.
  if (address?.type === 'pci' || (address?.type === 'usb' && address.port !== ''))
    claims.push({ key: addressText(address), what: addressText(address), names: false });
  return claims;
}

/**
 * Finds the device of the document that each desired one is: by user alias, by natural name, and those that have neither
 * (a NIC without a MAC, an rng) by what they say: one that says no more than a device which nobody else is, is that device.
 */
export function matchDevices(desired: readonly Wanted[], document: DomainDocument, intent?: Intent): Pair[] {
  const free = new Set([...document.devices, ...document.mirrors]);
  const found = new Map<Device, Device>();
  const settle = (device: Device, match: Device | undefined) => {
    if (!match || found.has(device)) return;
    found.set(device, match);
    free.delete(match);
  };
  // Devices that callers asked for before come first.
  const owned = new Set(document.devices.filter((device) => intent?.owns(device)));
  const inOrder = [...owned, ...[...free].filter((device) => !owned.has(device))];
  const candidates = (device: Device) =>
    inOrder.filter((other) => free.has(other) && other.kind.element === device.kind.element);
  const saysNoMore = (device: Device) => (other: Device) => differences(device, other).length === 0;
  const open = () => desired.flatMap(({ device }) => (found.has(device) ? [] : [device]));

  for (const device of open()) {
    if (device.userAlias)
      settle(
        device,
        candidates(device).find((other) => other.userAlias === device.userAlias),
      );
  }
  const named = byName([...free]);
  const nameOf = new Map(
    desired.map(({ device }) => [device, namesOnceWritten(device.kind, device.leaves, document)[0]]),
  );
  const isNamed = (device: Device) => nameOf.get(device) !== undefined;
  const namesakes = (device: Device) =>
    (named.get(keyOf(device.kind.element, nameOf.get(device))) ?? []).filter(
      // An alias on both sides has said already that they are two.
      (other) => free.has(other) && !(device.userAlias && other.userAlias),
    );
  const byItsName = (devices: readonly Device[]) => {
    // Of several of one name, who is where it is asked to be comes first, then who is all that is asked.
    const signs = [
      (device: Device) => namesakes(device).find((other) => isSameAddress(device.address, other.address)),
      (device: Device) => plainest(namesakes(device).filter(saysNoMore(device))),
      (device: Device) => namesakes(device)[0],
    ];
    for (const sign of signs) for (const device of devices) if (!found.has(device)) settle(device, sign(device));
  };
  byItsName(open().filter((device) => isNamed(device) && !device.kind.indexedByLibvirt));
  for (const device of open())
    if (device.kind.indexedByLibvirt) settle(device, plainest(namesakes(device).filter(saysNoMore(device))));
  // Who says most chooses first, or another would take the one device that has it all.
  for (const device of open().sort((a, b) => b.leaves.size - a.leaves.size)) {
    if (device.kind.indexedByLibvirt || (!isNamed(device) && !device.userAlias)) {
      const all = candidates(device).filter(saysNoMore(device));
      settle(device, plainest(all.filter((other) => owned.has(other))) ?? plainest(all));
    }
  }
  byItsName(open().filter(({ kind }) => kind.indexedByLibvirt));
  // A name that only one device can have tells it under another id, too, unless that name is a place with another image in it.
  const aliases = new Set(desired.map(({ device }) => device.userAlias));
  for (const device of open())
    settle(
      device,
      candidates(device).find(
        (other) => !aliases.has(other.userAlias) && shareUnique(device, other) && !isAnotherDisk(device, other),
      ),
    );
  // What is left without a name is the next of its kind, in order: a NIC whose model is to change is still that NIC. One
  // that somebody else added is not, unless there can be only one.
  for (const device of open()) {
    if (!isNamed(device) && !device.userAlias)
      settle(
        device,
        candidates(device).find((other) => !other.userAlias && (!intent || owned.has(other) || device.kind.limits)),
      );
  }
  return desired.map(({ device, ...rest }) => ({ ...rest, desired: device, found: found.get(device) }));
}

/** The first of those that say the least: of two that would do, the one that has what was asked and no more. */
function plainest(devices: readonly Device[]): Device | undefined {
  return [...devices].sort((a, b) => a.leaves.size - b.leaves.size)[0];
}

/** True for another image at the target of a disk: a target is a place, while a MAC is the card itself. */
function isAnotherDisk(desired: Device, there: Device): boolean {
  if (!('target/@dev' in desired.kind.unique)) return false;
  return differences(desired, there).some(({ path }) => path === '@type' || under(path, 'source'));
}

/** True when two devices have the same value where no two devices of a domain may. */
export function shareUnique(a: Device, b: Device): boolean {
  return Object.keys(a.kind.unique).some((leaf) => {
    const value = a.leaves.get(leaf)?.toLowerCase();
    return value !== undefined && b.leaves.get(leaf)?.toLowerCase() === value;
  });
}

function byName(devices: readonly Device[]): ReadonlyMap<string, readonly Device[]> {
  const named = new Map<string, Device[]>();
  for (const device of devices) {
    for (const name of namesOf(device)) {
      const key = keyOf(device.kind.element, name);
      named.set(key, [...(named.get(key) ?? []), device]);
    }
  }
  return named;
}

function keyOf(element: string, name: string | undefined): string {
  return `${element} ${name?.toLowerCase()}`;
}

/** Natural names, best first. */
function namesOf({ kind, leaves }: Device): string[] {
  return kind.names(leaves).filter((name) => name !== undefined && name !== '') as string[];
}
