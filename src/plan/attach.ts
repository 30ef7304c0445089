import { sha256 } from '#platform';
import {
  type Address,
  type Assignment,
  addressLeaves,
  addressText,
  chosenFor,
  type Device,
  type DeviceRequest,
  type DomainDocument,
  deviceXml,
  formatValue,
  isSecret,
  type Operation,
  readDevice,
  type Scope,
  specInvalid,
  whyCold,
} from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import { detachedCopy, parseElement, setAt } from '../xml/index.js';
import { differences } from './compare-devices.js';
import { attachOperation, pluggable } from './device-operations.js';
import { type Draft, duplicate } from './draft.js';
import { assertImageIsFree, noteUnsaidFormat } from './draft-images.js';
import { shareUnique } from './match.js';
import { choosePlace } from './place.js';
import { lacks, limits } from './prerequisites.js';

/** A device to attach, and where the request says so. */
export interface AttachItem {
  readonly device: Device;
  readonly path: string;
  /** The one document that it goes into; by default those of the request. */
  readonly only?: 'config' | undefined;
  /** It is there from the next boot on in any case: what keeps the running guest from having it now is a note, no refusal. */
  readonly waits?: true;
}

/** Reads a request for a device, checking every field. */
export function readRequest(request: DeviceRequest, path: string): Device {
  const element = parseElement(deviceXml(request, path));
  if (element.namespaceURI)
    throw specInvalid(
      path,
      `<${element.nodeName}> is of the namespace ${element.namespaceURI}, and so is not a device`,
    );
  return readDevice(element);
}

/**
 * Plans attaches one by one, controllers before what is to sit on them. What libvirt is to add a controller for comes after
 * what has a PCI address: it puts that on the first free one, which must not be one that the plan has given away.
 */
export function planAttaches(draft: Draft, asked: readonly AttachItem[]): void {
  const first = draft.operations.length;
  const isController = ({ device }: AttachItem) => device.kind.element === 'controller';
  for (const each of [...asked.filter(isController), ...asked.filter((one) => !isController(one))]) {
    const refused = draft.refusals.length;
    planAttach(draft, each);
    if (!each.waits) continue;
    for (const { subject, reason } of draft.refusals.splice(refused))
      draft.notes.push(`${subject} waits for the next boot: ${reason}`);
  }
  const planned = draft.operations.splice(first);
  draft.operations.push(...planned.sort((a, b) => turnOf(a) - turnOf(b)));
}

/** When an attach has its turn: buses and what has a PCI address, then controllers that libvirt finds a place for, then the rest. */
function turnOf({ subject, address }: Operation): number {
  if (subject.startsWith('controller ')) return address !== undefined || subject.startsWith('controller pci') ? 0 : 2;
  return address === undefined ? 4 : address.startsWith('pci ') ? 1 : 3;
}

/** Plans one attach: refused, already there, or one call that names an address free in both documents. */
function planAttach(draft: Draft, { device: given, path, only }: AttachItem): void {
  let device = withIndex(draft, changed(given, chosenFor(given, draft.context.canonical)));
  for (const { path: leaf, pattern, expected, source } of device.kind.musts ?? []) {
    const value = device.leaves.get(leaf);
    if (value === undefined || !pattern.test(value))
      throw specInvalid(`${path}.${leaf}`, `${formatValue(value ?? '')} is not ${expected} (${source})`, 'Give one');
  }
  const asked = only ?? draft.scope(device.identity, path);
  if (asked === undefined) return;
  assertNotDetached(draft, device, path);

  const { canonical, live } = draft.context;
  const there = {
    config: asked === 'live' ? undefined : existing(draft, canonical, device, path),
    live: asked === 'config' || !live ? undefined : existing(draft, live, device, path),
  };
  if ((there.config || asked === 'live') && (there.live || asked === 'config')) {
    draft.notes.push(`${device.identity} is attached already`);
    return;
  }
  const others = there.config ? [] : there.live ? [canonical] : [canonical, live];
  if (refuseDuplicates(draft, device, others, path)) return;
  const lacking = lacks(draft, device, asked, path);
  if (lacking === 'refused') return;

  const half = there.config ?? there.live;
  // One document has it already, so the other gets it as it stands there, at the same place.
  if (half) {
    const scope: Scope = there.config ? 'live' : 'config';
    const because = 'the other document has it already';
    if (scope === 'live') {
      const rival = sharedWith(half, live?.devices ?? []);
      const noPlace =
        draft.topology.whyNotHotplug(half.address, draft.topology.demandOf(half)) ??
        (rival && `${rival.holder.identity} of the running guest has ${rival.what}`);
      const outcome = lacking ?? refuseLive(draft, half, path, noPlace);
      if (outcome === 'next-boot') draft.notes.push(`${half.identity} waits for the next boot`);
      if (outcome !== 'go') return;
    }
    if (refuseTakenInOther(draft, half, scope === 'live' ? live : canonical, path)) return;
    draft.attached.push({ device: half, path, scope });
    draft.topology.occupy(half, scope);
    // The canonical element says all that the device is; a live one has runtime values that no attach takes.
    const plain = there.config ? half : pluggable(half);
    draft.operations.push(attachOperation(plain, scope, plain.address, because));
    return;
  }

  const keeper = asked === 'both' ? keeperOf(draft, device) : undefined;
  let scope = lacking === 'next-boot' || keeper ? 'config' : asked;
  if (scope !== 'config') {
    const outcome = refuseLive(draft, device, path, whyCold(device.address ?? draft.topology.demandOf(device)));
    if (outcome === 'refused' || (outcome === 'next-boot' && asked === 'live')) return;
    if (outcome === 'next-boot') scope = 'config';
  }
  if (scope !== 'live') {
    const objection = draft.whyNot(device, 'attach', 'config');
    if (objection) {
      draft.refuse(device.identity, path, objection, 'No call can add it; it would need another definition');
      return;
    }
  }
  const placed = choosePlace(draft, device, scope, path);
  if (!placed) return;
  scope = placed.scope;
  device = changed(device, [
    ...macFor(draft, device, placed.address, path),
    ...placeFor(draft, device, placed.address),
  ]);
  device = numbered(draft, device, scope);
  draft.topology.occupy(device, scope);
  draft.attached.push({ device, path, scope });
  const order = device.leaves.get('boot/@order');
  if (order !== undefined && scope !== 'live') draft.bootOrders.set(device.identity, order);
  const reason = keeper ? `${keeper} is in the running guest until then` : placed.reason;
  noteUnsaidFormat(draft, device);
  draft.operations.push(attachOperation(device, scope, placed.address, reason));
}

/** Refuses to attach what the same request detaches, unless that is said to be a replacement. */
function assertNotDetached({ detached, replace }: Draft, { identity, name }: Device, path: string): void {
  const leaving = detached.find((each) => each.device.identity === identity);
  // Devices without a name are numbered, in a request from the beginning.
  if (!leaving || replace === 'allow' || name.startsWith('#')) return;
  throw new LibvirtCanonicalError(
    'SPEC_INVALID',
    `${path}: ${identity} is detached in the same request, by ${leaving.path}`,
    {
      path,
      device: identity,
      remedy: "Ask for one of them; or say replace: 'allow', and the one takes the place of the other",
    },
  );
}

/**
 * The device of a document that a request means; a differing one of the same identity is `DEVICE_DUPLICATE`. One without
 * a name is known by its place, or as the only one that there may be; a differing one just has that.
 */
function existing(draft: Draft, document: DomainDocument, asked: Device, path: string): Device | undefined {
  const { kind } = asked;
  const named =
    asked.userAlias !== undefined || kind.namesOne || Object.keys(kind.unique).some((leaf) => asked.leaves.has(leaf));
  const place = asked.address && addressText(asked.address);
  const single = kind.limits?.some((row) => row.atMost === 1 && limits(draft, row, asked));
  const found = named
    ? (document.devices.find((other) => asked.userAlias !== undefined && other.userAlias === asked.userAlias) ??
      namesakeOf(asked, document))
    : document.devices.find((other) =>
        place === undefined ? single && other.kind === kind : other.address && addressText(other.address) === place,
      );
  // An alias that a device of another kind has is a duplicate, not this device.
  if (found?.kind !== asked.kind || draft.detached.some(({ device }) => device.identity === found.identity))
    return undefined;
  // What is libvirt's default is not written.
  const [differing] = differences(asked, found).filter(({ from, to }) => from !== undefined || to !== 'default');
  if (!differing) return found;
  if (!named) return undefined;
  const { path: leaf, from = 'nothing', to = 'nothing' } = differing;
  const values = isSecret(found.kind, leaf) ? 'another one' : `${from} there, ${to} asked`;
  const problem = `a differing one is there (${leaf}: ${values})`;
  throw new LibvirtCanonicalError('DEVICE_DUPLICATE', `${path}: ${asked.identity} cannot be attached, ${problem}`, {
    path,
    device: found.identity,
    remedy: 'Update it, or detach it first',
  });
}

/** The device of a document that has a name of which a domain has one: never one that the alias tells apart already. */
function namesakeOf(asked: Device, { devices }: DomainDocument): Device | undefined {
  const namesakes = devices.filter((other) => !(asked.userAlias && other.userAlias) && sharesName(asked, other));
  return namesakes.find((other) => differences(asked, other).length === 0) ?? namesakes[0];
}

/** True when two devices have a name, or a value, that no two of the kind can have. */
function sharesName(a: Device, b: Device): boolean {
  if (a.kind !== b.kind) return false;
  if (a.kind.namesOne && a.kind.names(a.leaves)[0]?.toLowerCase() === b.kind.names(b.leaves)[0]?.toLowerCase())
    return true;
  return shareUnique(a, b);
}

/** Says no when the place that a device has in one document is somebody else's in the other. */
function refuseTakenInOther(draft: Draft, device: Device, other: DomainDocument | undefined, path: string): boolean {
  const { identity, address } = device;
  const place = address && addressText(address);
  // Drives of two kinds of controllers can have one address.
  const bus = (each: Device) => JSON.stringify(draft.topology.demandOf(each), ['type', 'controller']);
  const holder = other?.devices.find(
    (each) =>
      each.address && addressText(each.address) === place && (address?.type === 'pci' || bus(each) === bus(device)),
  );
  if (!place || !holder || address.type === 'virtio-mmio') return false;
  const reason = `its place ${place} is taken by ${holder.identity} in the other document`;
  draft.refuse(identity, path, reason, 'Detach it, and attach it anew at a place free in both');
  return true;
}

/**
 * Targets, MACs, aliases and boot orders are the domain's, once each: over both documents and the request itself. True
 * when the device is refused for its boot order.
 */
function refuseDuplicates(
  draft: Draft,
  device: Device,
  documents: ReadonlyArray<DomainDocument | undefined>,
  path: string,
): boolean {
  const { canonical } = draft.context;
  const gone = new Set(draft.detached.map((each) => each.device.identity));
  const others = documents
    .flatMap((document) => document?.devices ?? [])
    .filter((other) => !gone.has(other.identity) && other.identity !== device.identity);
  const holders = [...others, ...draft.attached.map((each) => each.device)];
  const shared = sharedWith(device, holders);
  if (shared) throw duplicate(path, shared.what, shared.holder.identity, `Choose another ${shared.word}`);
  assertImageIsFree(draft, device, path);
  const order = device.leaves.get('boot/@order');
  if (order !== undefined && !/^[1-9]\d{0,9}$/.test(order))
    throw specInvalid(path, `${formatValue(order)} is not a boot order`, 'Give a whole number from 1 up');
  const [updated] = [...draft.bootOrders].find(([who, taken]) => taken === order && who !== device.identity) ?? [];
  if (updated) throw duplicate(path, `boot order ${order}`, updated, 'Choose another boot order');
  if (order !== undefined && canonical.hasOsBoot) {
    draft.refuse(
      device.identity,
      path,
      'the domain keeps its boot order in <os>, which shuts out per-device boot order (virDomainDefCompatibleDevice)',
      'Attach it without a boot order',
    );
    return true;
  }
  return false;
}

/** What the device would have in common with another that no two devices may share. */
function sharedWith(
  device: Device,
  others: readonly Device[],
): { holder: Device; what: string; word: string } | undefined {
  const same =
    device.kind.namesOne && !device.kind.indexedByLibvirt && others.find((other) => sharesName(device, other));
  if (same) return { holder: same, what: `the name ${device.name}`, word: device.kind.element };
  const claims: Array<[leaf: string, word: string]> = [
    ...Object.entries(device.kind.unique),
    ['boot/@order', 'boot order'],
  ];
  if (device.userAlias) claims.push(['alias/@name', 'alias']);
  for (const [leaf, word] of claims) {
    const value = device.leaves.get(leaf)?.toLowerCase();
    if (value === undefined) continue;
    const anyKind = leaf === 'alias/@name' || leaf === 'boot/@order';
    const holder = others.find(
      (other) => (anyKind || other.kind === device.kind) && other.leaves.get(leaf)?.toLowerCase() === value,
    );
    if (holder) return { holder, what: `${word} ${value}`, word };
  }
  return undefined;
}

/** The device that leaves the canonical document, but not the running guest, and there keeps out the one that comes. */
function keeperOf(draft: Draft, device: Device): string | undefined {
  const staying = draft.detached.flatMap(({ stays }) => stays ?? []);
  const same = staying.find(({ identity }) => identity === device.identity);
  return (same ?? sharedWith(device, staying)?.holder)?.identity;
}

/** Says no when the running guest cannot have the device, or lets it wait for the next boot when the caller allows it. */
function refuseLive(
  draft: Draft,
  device: Device,
  path: string,
  noPlace?: string | undefined,
): 'go' | 'next-boot' | 'refused' {
  const objection = draft.whyNot(device, 'attach', 'live') ?? noPlace;
  if (!objection) return 'go';
  if (draft.ifNotLive === 'next-boot') return 'next-boot';
  draft.refuse(
    device.identity,
    path,
    objection,
    "Ask for ifNotLive: 'next-boot' to have it from the next cold boot on",
  );
  return 'refused';
}

/** What puts a device without an address at its place. */
function placeFor({ topology }: Draft, device: Device, address: Address | undefined): readonly Assignment[] {
  const zpci = topology.zpciFor(device, address);
  return !address || address.type === 'other' || device.address ? zpci : [...addressLeaves(address), ...zpci];
}

/** A NIC without a MAC gets one that the plan can name and that stays the same when the plan is made again. */
function macFor(draft: Draft, device: Device, address: Address | undefined, path: string): readonly Assignment[] {
  if (device.kind.element !== 'interface' || device.leaves.has('mac/@address')) return [];
  const { canonical, live } = draft.context;
  const used = new Set(
    [...canonical.devices, ...(live?.devices ?? [])].map((other) => other.leaves.get('mac/@address')),
  );
  for (let n = 0; ; n++) {
    const seed = [canonical.uuid, device.userAlias ?? (address ? addressText(address) : path), n].join(' ');
    const digest = sha256(seed, 'hex');
    const mac = `52:54:00:${digest.slice(0, 2)}:${digest.slice(2, 4)}:${digest.slice(4, 6)}`;
    if (!used.has(mac)) return [['mac/@address', mac]];
  }
}

/** A controller without an index gets the one that libvirt would give it, so that devices can name it. */
function withIndex(draft: Draft, device: Device): Device {
  const type = device.leaves.get('@type');
  if (device.kind.element !== 'controller' || device.leaves.has('@index')) return device;
  const { canonical, live } = draft.context;
  const others = [...canonical.devices, ...(live?.devices ?? []), ...draft.attached.map((each) => each.device)];
  const used = new Set(
    others.filter(({ leaves }) => leaves.get('@type') === type).map(({ leaves }) => leaves.get('@index')),
  );
  let index = 0;
  while (used.has(String(index))) index++;
  return changed(device, [['@index', String(index)]]);
}

/** With the number that tells it from devices of the same name, as the documents will count it. */
function numbered({ context, detached, attached }: Draft, device: Device, scope: Scope): Device {
  const gone = new Set(detached.map((each) => each.device.identity));
  const document = scope === 'live' ? context.live : context.canonical;
  const taken = new Set([
    ...(document?.devices ?? []).map(({ identity }) => identity).filter((identity) => !gone.has(identity)),
    ...attached.map((each) => each.device.identity),
  ]);
  let nth = 1;
  const identity = () => (nth === 1 ? device.identity : `${device.identity} #${nth}`);
  while (taken.has(identity())) nth++;
  return nth === 1 ? device : { ...device, identity: identity() };
}

function changed(device: Device, values: readonly Assignment[]): Device {
  if (values.length === 0) return device;
  const element = detachedCopy(device.element);
  for (const [leaf, value] of values) setAt(element, leaf, value);
  return readDevice(element);
}
