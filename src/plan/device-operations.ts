import {
  type Address,
  AFFECT,
  addressText,
  applies,
  type Device,
  type Operation,
  readDevice,
  type Scope,
} from '../domain/index.js';
import { detachedCopy, serialize, setAt } from '../xml/index.js';

/** The operation that attaches a device as its element stands. */
export function attachOperation(
  device: Device,
  scope: Scope,
  address: Address | undefined,
  reason?: string,
): Operation {
  const base = {
    action: 'attach',
    subject: device.identity,
    scope,
    takesEffect: scope === 'config' ? 'next-boot' : 'now',
    guestMustCooperate: false,
    ...(address === undefined ? {} : { address: addressText(address) }),
    changes: [],
    ...(reason === undefined ? {} : { reason }),
    call: { procedure: 'DOMAIN_ATTACH_DEVICE_FLAGS', args: { xml: serialize(device.element), flags: AFFECT[scope] } },
  } as const;
  const back = scope === 'both' ? (['live', 'config'] as const) : [scope];
  return { ...base, inverse: back.map((each) => detachOperation(device, each)) };
}

/** The operation that takes a device out of one document. */
export function detachOperation(device: Device, scope: Exclude<Scope, 'both'>): Omit<Operation, 'inverse'> {
  const alias = device.alias;
  const byAlias = scope === 'live' && alias !== undefined;
  return {
    action: 'detach',
    subject: device.identity,
    scope,
    takesEffect: scope === 'live' ? 'when-released' : 'next-boot',
    guestMustCooperate: scope === 'live',
    ...(device.address === undefined ? {} : { address: addressText(device.address) }),
    changes: [],
    // By alias the call does not wait for the guest: the event tells (virDomainDetachDeviceAlias).
    call: byAlias
      ? { procedure: 'DOMAIN_DETACH_DEVICE_ALIAS', args: { alias, flags: AFFECT.live } }
      : { procedure: 'DOMAIN_DETACH_DEVICE_FLAGS', args: { xml: serialize(device.element), flags: AFFECT[scope] } },
  };
}

/** The same with its inverse: the device as it is attached again. */
export function detachWithInverse(device: Device, scope: 'live' | 'config', canonical?: Device): Operation {
  // The canonical element says all that the device is; a live one has runtime values that no attach takes.
  const whole = scope === 'config' ? device : canonical?.address ? canonical : pluggable(device);
  const { inverse: _, ...attach } = attachOperation(whole, scope, device.address);
  return { ...detachOperation(device, scope), inverse: [attach] };
}

/** A device as one attaches it: without libvirt's own alias and what it fills in while the guest runs. */
export function pluggable(device: Device): Device {
  const element = detachedCopy(device.element);
  if (!device.userAlias) setAt(element, 'alias', undefined);
  for (const { path, where } of device.kind.liveOnly)
    if (applies(where, device.leaves)) setAt(element, path, undefined);
  return readDevice(element);
}
