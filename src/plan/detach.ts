import { addressText, type Device, type DomainDocument, meantDevice, type Operation } from '../domain/index.js';
import { detachWithInverse } from './device-operations.js';
import type { Draft } from './draft.js';
import { whyMoved } from './place.js';
import type { DeviceSelector } from './request.js';
import { findBoth, readSelector } from './select.js';

/**
 * Plans one detach. Each document is searched by itself. The running guest is asked first and the canonical document
 * follows only once it has let go, so that a guest that refuses never loses the device at its next boot; unless the
 * request says otherwise by name.
 */
export function planDetach(draft: Draft, selector: DeviceSelector, path: string): void {
  const selected = readSelector(selector, path);
  const asked = draft.scope(`${selected.element ?? 'device'} ${selected.name}`, path);
  if (asked === undefined) return;
  const found = findBoth(draft.context, selected, path);
  const inCanonical = asked === 'live' ? undefined : found.canonical;
  const inLive = asked === 'config' ? undefined : found.live;
  const elsewhere = found.canonical ?? found.live;
  if (!inCanonical && !inLive && elsewhere) {
    const [there, other] = found.live ? ['the running guest', 'live'] : ['the canonical document', 'config'];
    const reason = `only ${there} has it, and the scope of the request is ${asked}`;
    draft.refuse(elsewhere.identity, path, reason, `Ask for scope: '${other}', or for scope: 'persistent'`);
    return;
  }
  if (!inCanonical && !inLive) {
    const { canonical, live } = draft.context;
    const hint = meantDevice([canonical, live], selected.element, selected.name).trim();
    draft.notes.push(`${selected.element ?? 'device'} ${selected.name} is not there${hint === '' ? '' : `. ${hint}`}`);
    return;
  }
  detachDevice(draft, inCanonical, inLive, path);
}

/** Plans to take a device out of the documents that have it. */
export function detachDevice(
  draft: Draft,
  inCanonical: Device | undefined,
  inLive: Device | undefined,
  path: string,
  because?: string,
): void {
  const { canonical, live } = draft.context;
  const device = (inCanonical ?? inLive) as Device;
  draft.claim(device.identity, path);
  const operations: Operation[] = [];
  if (inLive) {
    const objection =
      draft.whyNot(inLive, 'detach', 'live') ??
      draft.topology.whyNotHotplug(inLive.address) ??
      oneOfSeveral(inLive, live);
    if (!objection) operations.push(detachWithInverse(inLive, 'live', canonical.counterpart(inLive)));
    else if (draft.ifNotLive === 'next-boot' && !canonical.counterpart(inLive)) {
      draft.notes.push(`${inLive.identity} goes at the next boot`);
      return;
    } else if (draft.ifNotLive === 'refuse' || !inCanonical) {
      draft.refuse(
        inLive.identity,
        path,
        objection,
        "Ask for ifNotLive: 'next-boot' to have it gone at the next cold boot",
      );
      return;
    }
  }
  if (inCanonical) {
    const onMmio = inCanonical.address?.type === 'virtio-mmio';
    const objection =
      draft.whyNot(inCanonical, 'detach', 'config') ?? (onMmio ? whyMoved(draft, inCanonical) : undefined);
    if (objection) {
      draft.refuse(inCanonical.identity, path, objection, 'No call can remove it');
      return;
    }
    operations.push(detachWithInverse(inCanonical, 'config'));
    if (draft.bootOrders.has(inCanonical.identity) && draft.bootOrders.size === 1) {
      draft.refuse(
        inCanonical.identity,
        path,
        'it has the last boot order: without one libvirt writes <os><boot> and refuses per-device boot order from then on',
        'Give another device a boot order first',
      );
      return;
    }
  }
  if (inCanonical) draft.bootOrders.delete(inCanonical.identity);
  const ordered = draft.detachOrder === 'config-first' ? configFirst(operations) : operations;
  draft.operations.push(...ordered.map((each) => withReason(each, because)));
  const leavesNow = operations.some(({ scope }) => scope === 'live');
  draft.detached.push({ device, path, stays: leavesNow ? undefined : live?.counterpart(device) });
  // The place is free for others only when it is free in both documents.
  if (operations.length !== Number(inCanonical !== undefined) + Number(inLive !== undefined)) return;
  for (const side of [inCanonical, inLive]) if (side) draft.topology.release(side);
}

/** Why libvirt does not unplug a function of a slot; undefined when it has the slot to itself. */
function oneOfSeveral(device: Device, live: DomainDocument | undefined): string | undefined {
  const [other] = live ? besideInSlot(device, live) : [];
  if (!other) return undefined;
  return `it shares its PCI slot with ${other.identity}, and libvirt unplugs no function of such a slot (qemuIsMultiFunctionDevice)`;
}

/** Refuses a function 0 that goes for good while others of its slot stay: without it a guest finds the slot empty. */
export function refuseFunctionZeroAlone(draft: Draft): void {
  const { canonical } = draft.context;
  const leaving = new Set(draft.detached.map(({ device }) => device.identity));
  const coming = new Set(draft.attached.map(({ device }) => device.address && addressText(device.address)));
  for (const { device, path } of draft.detached) {
    const here = canonical.devices.find(({ identity }) => identity === device.identity);
    if (here?.address?.type !== 'pci' || here.address.function !== 0 || coming.has(addressText(here.address))) continue;
    const kept = besideInSlot(here, canonical).filter(({ identity }) => !leaving.has(identity));
    if (kept.length === 0) continue;
    const others = kept.map(({ identity }) => identity).join(', ');
    draft.refuse(
      here.identity,
      path,
      `it is function 0 of its PCI slot: without it the guest does not find ${others} either`,
      `Detach ${others} in the same request`,
    );
  }
}

/** Returns the other functions in the PCI slot of a device. */
function besideInSlot({ identity, address }: Device, { devices }: DomainDocument): Device[] {
  if (address?.type !== 'pci') return [];
  const slot = addressText({ ...address, function: 0 });
  return devices.filter(
    (other) =>
      other.identity !== identity &&
      other.address?.type === 'pci' &&
      addressText({ ...other.address, function: 0 }) === slot,
  );
}

/** The canonical document first, when both have the device: then the guest may keep it until the next cold boot. */
function configFirst(operations: readonly Operation[]): readonly Operation[] {
  const [live, config] = operations;
  if (!live || !config) return operations;
  return [
    { ...config, reason: 'config-first: it is gone from the next cold boot on, whatever the guest does now' },
    { ...live, ifKept: 'next-boot', reason: 'config-first: a guest that keeps it has it until the next cold boot' },
  ];
}

function withReason(operation: Operation, because: string | undefined): Operation {
  if (because === undefined) return operation;
  return { ...operation, reason: operation.reason ? `${because}; ${operation.reason}` : because };
}
