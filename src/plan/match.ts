import type { Device, DomainDocument } from '../domain/index.js';
import { says } from './says.js';

/** A desired device and the one of a document that it is; `undefined` when it is a new one. */
export interface Pair {
  readonly desired: Device;
  readonly path: string;
  readonly found: Device | undefined;
}

/**
 * Finds the device of the document that each desired one is: by user alias, by natural name, and those that have neither
 * (a NIC without a MAC, an rng) by what they say: one that says no more than a device which nobody else is, is that device.
 */
export function matchDevices(
  desired: ReadonlyArray<{ readonly device: Device; readonly path: string }>,
  document: DomainDocument,
): Pair[] {
  const free = new Set(document.devices);
  const found = new Map<Device, Device>();
  const settle = (device: Device, match: Device | undefined) => {
    if (!match || found.has(device)) return;
    found.set(device, match);
    free.delete(match);
  };
  const candidates = (device: Device) => [...free].filter((other) => other.kind.element === device.kind.element);
  for (const { device } of desired) {
    if (device.userAlias)
      settle(
        device,
        candidates(device).find((other) => other.userAlias === device.userAlias),
      );
  }
  for (const { device } of desired) {
    if (!isNamed(device)) continue;
    // An alias on both sides has said already that they are two.
    settle(
      device,
      candidates(device).find((other) => other.name === device.name && !(device.userAlias && other.userAlias)),
    );
  }
  for (const { device } of desired) {
    if (!isNamed(device) && !device.userAlias)
      settle(
        device,
        candidates(device).find((other) => says(device, other).length === 0),
      );
  }
  // What is left without a name is the next of its kind, in order: a NIC whose model is to change is still that NIC.
  for (const { device } of desired) {
    if (!isNamed(device) && !device.userAlias)
      settle(
        device,
        candidates(device).find((other) => !other.userAlias),
      );
  }
  return desired.map(({ device, path }) => ({ desired: device, path, found: found.get(device) }));
}

function isNamed(device: Device): boolean {
  return device.kind.names(device.leaves).some((name) => name !== undefined && name !== '');
}
