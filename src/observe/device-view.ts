import { addressText, type Device, type DomainDocument, decodeSpec } from '../domain/index.js';
import { serialize } from '../xml/index.js';

/** A device as both documents show it. */
export interface DeviceView {
  /** Unique within the domain: `disk root`, `interface 52:54:00:aa:bb:cc`. */
  readonly identity: string;
  readonly kind: string;
  /** The id given at define or attach, without `ua-`. */
  readonly id: string | undefined;
  /** Natural name: target, MAC, type and index … */
  readonly name: string;
  /** Its address in the canonical document, and its address in the running guest: `pci 0000:04:00.0`. */
  readonly address: string | undefined;
  readonly liveAddress: string | undefined;
  /** Which documents have it. */
  readonly in: 'both' | 'canonical' | 'live';
  /** The spec that describes it. What a spec cannot say is in `xml` only. */
  readonly spec: Readonly<Record<string, unknown>>;
  readonly xml: string;
}

/** Returns every device of either document, those of the canonical document first. */
export function deviceViews(canonical: DomainDocument, live: DomainDocument | undefined): DeviceView[] {
  const onlyLive = (live?.devices ?? []).filter((device) => !canonical.counterpart(device));
  return [
    ...canonical.devices.map((device) => viewOf(device, device, live?.counterpart(device))),
    ...onlyLive.map((device) => viewOf(device, undefined, device)),
  ];
}

function viewOf(device: Device, canonical: Device | undefined, live: Device | undefined): DeviceView {
  return {
    identity: device.identity,
    kind: device.kind.element,
    id: device.userAlias?.slice(3),
    name: device.name,
    address: canonical?.address && addressText(canonical.address),
    liveAddress: live?.address && addressText(live.address),
    in: canonical && live ? 'both' : canonical ? 'canonical' : 'live',
    spec: decodeSpec(device.kind.fields, device.leaves),
    xml: serialize(device.element),
  };
}
