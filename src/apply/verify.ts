import {
  type AbiDifference,
  addressText,
  type Change,
  compareGuestAbi,
  controllersFor,
  type Device,
  type DomainDocument,
  guestAbi,
  isOccupied,
  isSecret,
  kindOrUnknown,
  memoizePerDocument,
  metadataText,
  type Operation,
  REDACTED,
  readDevice,
  SETTINGS,
  type Setting,
} from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import { differences, metadataPart } from '../plan/index.js';
import { parseElement, under } from '../xml/index.js';
import { type Difference, differenceLine, differencesBetween } from './differences.js';

/** Both documents at one moment. */
export interface Documents {
  readonly canonical: DomainDocument;
  readonly live: DomainDocument | undefined;
  /** What stands beside the documents, where it was read. */
  readonly autostart?: boolean;
  readonly autostartOnce?: boolean;
}

type Step = Omit<Operation, 'inverse'>;
type Side = 'canonical' | 'live';

/** A device that was not the subject of an operation has changed all the same. `code` is `GUEST_ABI_CHANGED`. */
export class GuestAbiChangedError extends LibvirtCanonicalError {
  override readonly name = 'GuestAbiChangedError';
  readonly differences: readonly AbiDifference[];
  constructor(
    message: string,
    differences: readonly AbiDifference[],
    domain: string,
    remedy = 'Nothing further was done; compare the documents before the guest is started again',
  ) {
    super('GUEST_ABI_CHANGED', `${message}: ${differences.map(differenceText).join('; ')}`, {
      domain,
      remedy,
    });
    this.differences = differences;
  }
}

const abiOf = memoizePerDocument(guestAbi);

/** One difference in one line. */
export function differenceText({ subject, field, before, after }: AbiDifference): string {
  return `${subject} ${field}: ${before ?? '(none)'} → ${after ?? '(none)'}`;
}

/**
 * Compares both documents before and after an operation, leaf by leaf. What it does not name must be as it was; what it
 * names must be as it says, at the address it says. Controllers that the address leads to may appear with an attach, and
 * devices that the guest was asked for earlier (`stillAsked`) may have left the live document.
 */
export function verifyOperation(
  operation: Step,
  before: Documents,
  after: Documents,
  stillAsked: ReadonlySet<string> = new Set(),
): void {
  const { name } = after.canonical;
  for (const side of ['canonical', 'live'] as const) {
    const [a, b] = [before[side], after[side]];
    if (!a || !b) continue;
    const moved = differencesBetween(a, b)
      .filter((each) => !expected(operation, each, a, b))
      .filter((each) => side !== 'live' || !isLetGo(each, stillAsked));
    if (moved.length === 0) continue;
    const what = `${operation.action} of ${operation.subject} changed more than was asked in the ${side} document`;
    const seen = compareGuestAbi(abiOf(a), abiOf(b)).filter(({ subject }) =>
      moved.some((one) => one.subject === subject),
    );
    if (seen.length > 0) throw new GuestAbiChangedError(what, seen, name);
    throw new LibvirtCanonicalError('APPLY_FAILED', `${what}: ${moved.map(differenceLine).join('; ')}`, {
      domain: name,
      device: operation.subject,
    });
  }
  for (const side of sidesOf(operation, after)) {
    const problem = outcomeProblem(operation, before, after, side);
    if (problem)
      throw new LibvirtCanonicalError(
        'APPLY_FAILED',
        `libvirt accepted it, but the ${side} document of ${name} does not show it: ${problem}`,
        { domain: name, device: operation.subject },
      );
  }
}

/** The documents that a step is about and that there are. */
export function sidesOf({ scope }: Step, { live }: Documents): Side[] {
  return [
    ...(scope === 'live' ? [] : (['canonical'] as const)),
    ...(scope === 'config' || !live ? [] : (['live'] as const)),
  ];
}

/** True for a device that the guest has let go of after all, as an earlier apply had asked. */
function isLetGo({ subject, field, after }: Difference, stillAsked: ReadonlySet<string>): boolean {
  return field === 'device' && after === undefined && stillAsked.has(subject);
}

/** True for a difference that the operation is there to make, or that libvirt makes with it. */
function expected(operation: Step, difference: Difference, before: DomainDocument, after: DomainDocument): boolean {
  const { action, subject } = operation;
  if (action === 'set') return settingMakes(operation, difference, before, after);
  const element = subject.split(' ', 1)[0] ?? '';
  if (difference.subject === 'domain' && action !== 'update')
    return (kindOrUnknown(element).touches ?? []).some((path) => under(difference.field, path));
  if (action === 'detach') return difference.subject === subject;
  if (action === 'update') {
    if (difference.subject !== subject) return false;
    // libvirt drops what another model or type of the device does not have.
    if (difference.after === undefined && operation.changes.some(({ path }) => /^(model\/)?@type$/.test(path)))
      return true;
    return operation.changes.some(({ path }) => under(difference.field, path) || under(path, difference.field));
  }
  const attached = subjectOf(operation, before, after);
  const isNew = difference.field === 'device' && difference.before === undefined;
  if (attached?.identity === difference.subject) return isNew;
  const { device } = difference;
  if (device?.kind.element !== 'controller' || attached === undefined) return false;
  if (isNew) return isAddedFor(attached, device, after, operation.address === undefined);
  // libvirt puts a port that it adds beside another into the same slot.
  return operation.address === undefined && difference.field === 'address/@multifunction';
}

/**
 * True for a controller that came with an attach: the device's address leads to it, or it is the spare bridge, or port where
 * libvirt chose the address, that libvirt keeps for the next device (qemuDomainAssignPCIAddresses).
 */
export function isAddedFor(attached: Device, controller: Device, after: DomainDocument, chosen: boolean): boolean {
  if (controllersFor(attached, after).some(({ identity }) => identity === controller.identity)) return true;
  const model = controller.leaves.get('@model');
  return (model === 'pci-bridge' || (chosen && model === 'pcie-root-port')) && !isOccupied(controller, after);
}

/** True for a difference in what an operation is about: its device, or the part of the document that its setting changes. */
export function isAbout(step: Step, difference: Difference, before: DomainDocument, after: DomainDocument): boolean {
  return step.action === 'set' ? settingMakes(step, difference, before, after) : difference.subject === step.subject;
}

/** True for a part of the document that belongs to the setting, and of the devices to the one that the call names. */
function settingMakes(
  { subject, call }: Step,
  difference: Difference,
  before: DomainDocument,
  after: DomainDocument,
): boolean {
  if (call.procedure === 'DOMAIN_SET_METADATA' && call.args.uri !== null)
    return difference.subject === metadataPart(call.args.uri);
  const { device } = difference;
  const path = device ? `devices/${device.kind.element}/${difference.field}` : difference.field;
  const touches = SETTINGS[subject as keyof typeof SETTINGS]?.sideEffects ?? [];
  if (!touches.some((each) => under(path, each))) return false;
  const named = deviceNamed(call, after);
  if (!device || !named || named.identity === device.identity) return true;
  // Disks of one group share its limits.
  const groups = [before, after].map((document) => deviceNamed(call, document)?.leaves.get('iotune/group_name'));
  const own = [before, after].map(({ devices }) => devices.find(({ identity }) => identity === device.identity));
  return own.some((each) =>
    groups.some((group) => group !== undefined && each?.leaves.get('iotune/group_name') === group),
  );
}

/** The device that a call about a part of one names: a disk by its target, an interface by its MAC. */
function deviceNamed({ args }: Step['call'], { devices }: DomainDocument): Device | undefined {
  if ('disk' in args) return devices.find(({ leaves }) => leaves.get('target/@dev') === args.disk);
  if ('device' in args) return devices.find(({ leaves }) => leaves.get('mac/@address') === args.device);
  return undefined;
}

/** What a document lacks of what the operation was to bring about; undefined when nothing. */
function outcomeProblem(operation: Step, before: Documents, after: Documents, side: Side): string | undefined {
  const document = after[side] as DomainDocument;
  const { action, subject, changes } = operation;
  if (action === 'set') return settingProblem(operation, after, side);
  const address = slotOf(operation.address);
  if (action === 'detach') {
    // Where several have one name, another gets the number of the one that went.
    const namesake = document.devices.find(({ identity }) => identity === subject);
    const stays = namesake && (address === undefined || addressOf(namesake) === address);
    return stays ? `${subject} is still there` : undefined;
  }
  const found = subjectOf(operation, before[side] ?? document, document);
  if (!found) return `${subject} is not there`;
  const call = 'xml' in operation.call.args ? readDevice(parseElement(operation.call.args.xml)) : undefined;
  const [wrong] = action === 'attach' ? unlike(call, found) : unmade(changes, found, call);
  if (wrong && address !== undefined && under(wrong.path, 'address'))
    return `${subject} is at ${addressOf(found) ?? 'no address'}, not at ${address}`;
  const shown = (value: string | undefined) =>
    value === undefined ? '(none)' : isSecret(found.kind, wrong?.path ?? '') ? REDACTED : value;
  return wrong && `${subject} has ${wrong.path} = ${shown(wrong.from)}, not ${shown(wrong.to)}`;
}

/** What a device that was attached has otherwise than asked; libvirt does not write a default that it is told outright. */
function unlike(asked: Device | undefined, found: Device): Change[] {
  const differing = asked ? differences(asked, found) : [];
  // The running guest writes a transient disk to an overlay of libvirt's (qemuSnapshotDiskPrepareOne).
  const isOverlay = ({ path }: Change) => found.leaves.has('transient') && under(path, 'source');
  return differing.filter((each) => (each.from !== undefined || each.to !== 'default') && !isOverlay(each));
}

/** The changes of an update that a device does not show. */
function unmade(changes: readonly Change[], found: Device, call: Device | undefined): Change[] {
  return changes.flatMap((change) => {
    const { path, from } = change;
    const to = change.to === REDACTED ? call?.leaves.get(path) : change.to;
    const now = found.leaves.get(path);
    // libvirt does not write a default that it is told outright, and may fill in another for what is removed.
    const made = to === undefined ? now === undefined || now !== from : (now ?? 'default') === to;
    return made ? [] : [{ path, from: now, to }];
  });
}

/** The device that an attach or update is about: by its name, else by the address that the plan gave it, else the new one of its kind. */
export function subjectOf(
  { subject, address }: Step,
  before: DomainDocument,
  { devices }: DomainDocument,
): Device | undefined {
  const slot = slotOf(address);
  const named = devices.find(({ identity }) => identity === subject);
  if (named) return named;
  if (slot !== undefined) return devices.find((each) => addressOf(each) === slot);
  if (!/#\d+$/.test(subject)) return undefined;
  const known = new Set(before.devices.map(({ identity }) => identity));
  return devices.find(({ kind, identity }) => kind.element === subject.split(' ', 1)[0] && !known.has(identity));
}

/** What a setting was to be and is not. */
function settingProblem(
  { subject, call, changes, guestMustCooperate }: Step,
  after: Documents,
  side: Side,
): string | undefined {
  const document = after[side] as DomainDocument;
  if (call.procedure === 'DOMAIN_SET_METADATA' && call.args.uri !== null) {
    const now = metadataText(document, call.args.uri);
    return now === (call.args.metadata ?? undefined) ? undefined : `${metadataPart(call.args.uri)} is another`;
  }
  // The balloon of the guest moves by itself.
  if (subject === 'memory' && side === 'live' && guestMustCooperate) return undefined;
  if (subject === 'autostart' || subject === 'autostartOnce') {
    const [now, to] = [after[subject], changes[0]?.to];
    return now === undefined || String(now) === to ? undefined : `${subject} is ${now}, not ${to}`;
  }
  const setting = SETTINGS[subject as keyof typeof SETTINGS] as Setting<never> | undefined;
  for (const { path, to } of changes) {
    const now = setting?.shown ? setting.shown(document, path, call) : document.value(path);
    if (now !== to) return `${path} is ${now ?? '(none)'}, not ${to ?? '(none)'}`;
  }
  return undefined;
}

/** Of a memory module the slot is what a plan can name; where it begins only the running guest tells. */
function slotOf(address: string | undefined): string | undefined {
  return address?.replace(/^(dimm \d+)@.*/, '$1');
}

function addressOf({ address }: Device): string | undefined {
  return address && slotOf(addressText(address));
}
