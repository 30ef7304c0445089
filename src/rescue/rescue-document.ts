import {
  type Device,
  type DiskSpec,
  DomainDocument,
  type ObservedDomain,
  OWN_METADATA,
  readDevice,
} from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import { planChanges } from '../plan/index.js';
import { buildElement, child, type Element, parseElement, serialize, setAt } from '../xml/index.js';

/** The disk that a rescue boots from. Its target is a free one of its bus unless it is given; its id is `rescue`. */
export type RescueDisk = Omit<DiskSpec, 'target' | 'boot' | 'address'> & { readonly target?: string };

/** A kernel to boot in place of the disk's own boot loader, and of the domain's own kernel. */
export interface RescueKernel {
  readonly path: string;
  readonly initrd?: string | undefined;
  readonly cmdline?: string | undefined;
}

/** First letters of a target on a bus (virDomainDiskDefPostParse). */
const PREFIX: Readonly<Record<string, string>> = { scsi: 'sd', sata: 'sd', usb: 'sd', ide: 'hd', fdc: 'fd' };

/**
 * The document of a rescue: the canonical one, every device at its address, with the rescue disk in a free place and first
 * in the boot order, which the others follow as they did.
 */
export function rescueDocument(
  context: ObservedDomain,
  disk: RescueDisk,
  kernel: RescueKernel | undefined,
  since: string,
): { readonly xml: string; readonly disk: Device } {
  const { canonical } = context;
  const target = disk.target ?? freeTarget(canonical, disk.bus ?? 'virtio');
  const placed = placedDisk({ ...context, live: undefined }, { id: 'rescue', ...disk, target });
  const { root } = new DomainDocument(canonical.xml);
  while (child(root, 'os') && setAway(root, 'os/boot'));
  for (const name of ['kernel', 'initrd', 'cmdline', 'dtb', 'shim']) setAt(root, `os/${name}`, undefined);
  for (const [name, value] of Object.entries({
    kernel: kernel?.path,
    initrd: kernel?.initrd,
    cmdline: kernel?.cmdline,
  }))
    if (value !== undefined) setAt(root, `os/${name}`, value);
  const devices = child(root, 'devices') as Element;
  for (const device of Array.from(devices.childNodes)) {
    const order =
      device.nodeType === device.ELEMENT_NODE ? child(device as Element, 'boot')?.getAttribute('order') : null;
    if (order) setAt(device as Element, 'boot/@order', String(Number(order) + 1));
  }
  setAt(placed.element, 'boot/@order', '1');
  const owner = root.ownerDocument as NonNullable<Element['ownerDocument']>;
  devices.appendChild(owner.importNode(placed.element, true));
  const metadata = child(root, 'metadata') ?? root.appendChild(owner.createElement('metadata'));
  metadata.appendChild(owner.importNode(parseElement(mark(placed, canonical.uuid, since)), true));
  return { xml: serialize(root), disk: placed };
}

/** The disk as a plan would attach it: every field checked, nothing taken twice, at a place that is free. */
function placedDisk(context: ObservedDomain, disk: DiskSpec): Device {
  const plan = planChanges({ attach: [{ disk }], scope: 'config' }, context);
  const [refusal] = plan.refusals;
  if (refusal)
    throw new LibvirtCanonicalError('PLAN_REFUSED', `the rescue disk cannot be had: ${refusal.reason}`, {
      domain: context.canonical.name,
      path: 'disk',
      remedy: refusal.remedy,
    });
  const call = plan.operations.find(({ action }) => action === 'attach')?.call;
  if (call?.procedure === 'DOMAIN_ATTACH_DEVICE_FLAGS') return readDevice(parseElement(call.args.xml));
  throw new LibvirtCanonicalError('DEVICE_DUPLICATE', 'the domain has the rescue disk already', {
    domain: context.canonical.name,
    path: 'disk',
    remedy: 'A rescue needs a disk of its own',
  });
}

function freeTarget({ devices }: DomainDocument, bus: string): string {
  const used = new Set(devices.filter(({ kind }) => kind.element === 'disk').map(({ name }) => name));
  const prefix = PREFIX[bus] ?? 'vd';
  const letters = [...'abcdefghijklmnopqrstuvwxyz'];
  const names = [...letters, ...letters.map((letter) => `a${letter}`)].map((letter) => `${prefix}${letter}`);
  return names.find((name) => !used.has(name)) ?? `${prefix}ba`;
}

function setAway(root: Element, path: string): boolean {
  const there = child(child(root, 'os') as Element, 'boot') !== undefined;
  if (there) setAt(root, path, undefined);
  return there;
}

function mark(disk: Device, uuid: string, since: string): string {
  const { prefix, uri } = OWN_METADATA.rescue;
  return buildElement('rescue', [
    ['@domain', uuid],
    ['@disk', disk.identity],
    ['@target', disk.name],
    ['@since', since],
  ]).replace(/^<rescue/, `<${prefix}:rescue xmlns:${prefix}="${uri}"`);
}
