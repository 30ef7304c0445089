import type { Device, DomainDocument } from '../domain/index.js';

/** One device as either document has it. */
export interface Sighting {
  /** Unique, unlike the identities of two documents. */
  readonly identity: string;
  readonly canonical: Device | undefined;
  readonly live: Device | undefined;
  /** The canonical one if there is one. */
  readonly known: Device;
}

/** Returns every device of either document, those of the canonical one first. */
export function sightingsOf(canonical: DomainDocument, live: DomainDocument | undefined): Sighting[] {
  const identities = new Set(canonical.devices.map(({ identity }) => identity));
  const running = (live?.devices ?? []).filter((device) => !canonical.counterpart(device));
  return [
    ...canonical.devices.map((device) => ({
      identity: device.identity,
      canonical: device,
      live: live?.counterpart(device),
      known: device,
    })),
    ...running.map((device) => ({
      identity: identities.has(device.identity) ? `${device.identity} (running)` : device.identity,
      canonical: undefined,
      live: device,
      known: device,
    })),
  ];
}
