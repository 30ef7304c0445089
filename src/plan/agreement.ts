import {
  AFFECT,
  addressText,
  type Device,
  isOwnNamespace,
  type MutatorCall,
  type ObservedDomain,
  type Operation,
  OWN_METADATA,
  REDACTED,
  readDevice,
  specInvalid,
} from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import { leafChanges, parseElement } from '../xml/index.js';

type Step = Omit<Operation, 'inverse'>;
type Procedure = MutatorCall['procedure'];
type OfDevice = Extract<Procedure, `${string}_DEVICE_${string}`>;

/** The settings that a call is for; a call about a device stands in {@link BY_ACTION}. */
const SETTINGS_OF: { readonly [P in Exclude<Procedure, OfDevice>]: readonly string[] } = {
  DOMAIN_SET_VCPUS_FLAGS: ['vcpus'],
  DOMAIN_SET_VCPU: ['vcpuState'],
  DOMAIN_SET_MEMORY_FLAGS: ['memory'],
  DOMAIN_SET_MEMORY_STATS_PERIOD: ['balloonStatsPeriod'],
  DOMAIN_SET_MEMORY_PARAMETERS: ['memtune'],
  DOMAIN_SET_BLKIO_PARAMETERS: ['blkiotune'],
  DOMAIN_SET_SCHEDULER_PARAMETERS_FLAGS: ['cputune'],
  DOMAIN_SET_NUMA_PARAMETERS: ['numatune'],
  DOMAIN_SET_PERF_EVENTS: ['perf'],
  DOMAIN_SET_BLOCK_IO_TUNE: ['iotune'],
  DOMAIN_SET_INTERFACE_PARAMETERS: ['bandwidth'],
  DOMAIN_SET_THROTTLE_GROUP: ['throttleGroups'],
  DOMAIN_DEL_THROTTLE_GROUP: ['throttleGroups'],
  DOMAIN_PIN_VCPU_FLAGS: ['vcpuPin'],
  DOMAIN_PIN_EMULATOR: ['emulatorPin'],
  DOMAIN_PIN_IOTHREAD: ['iothreadPin'],
  DOMAIN_ADD_IOTHREAD: ['iothreads'],
  DOMAIN_DEL_IOTHREAD: ['iothreads'],
  DOMAIN_SET_IOTHREAD_PARAMS: ['iothreads'],
  DOMAIN_SET_LIFECYCLE_ACTION: ['lifecycle'],
  DOMAIN_SET_AUTOSTART: ['autostart'],
  DOMAIN_SET_AUTOSTART_ONCE: ['autostartOnce'],
  DOMAIN_SET_METADATA: ['title', 'description', 'metadata', 'intent', 'storage'],
  DOMAIN_RENAME: ['name'],
};
const BY_ACTION: Readonly<Record<Exclude<Step['action'], 'set'>, readonly Procedure[]>> = {
  attach: ['DOMAIN_ATTACH_DEVICE_FLAGS'],
  detach: ['DOMAIN_DETACH_DEVICE_FLAGS', 'DOMAIN_DETACH_DEVICE_ALIAS'],
  update: ['DOMAIN_UPDATE_DEVICE_FLAGS'],
};
/** virDomainMetadataType of what has no namespace. */
const TEXTS: Readonly<Record<string, number>> = { description: 0, title: 1 };
const ELEMENT = 2;

/**
 * Holds an operation of a plan from anywhere against its own words: people decide by those, and the calls are what is made.
 * `SPEC_INVALID` naming the call that does another thing than the operation says.
 */
export function assertAgrees(operation: Operation, at: string): void {
  const device = agreed(operation, at);
  if (device && operation.action === 'attach') assertSamePlace(operation, device, at);
  for (const [n, step] of operation.inverse.entries()) {
    const where = `${at}.inverse[${n}]`;
    if (kindOf(step) !== kindOf(operation) || (step.action === 'set') !== (operation.action === 'set'))
      throw disagrees(where, operation, `it is undone at ${step.subject}`);
    const before = agreed(step, where);
    if (!device || !before) continue;
    if (operation.action === 'update') assertSameChanges(operation, before, device, at);
    // The running guest's element has values that no attach takes.
    if (operation.action === 'detach' && operation.scope === 'config') assertSameChanges(step, before, device, where);
  }
}

/**
 * Holds a plan from anywhere against the documents that it is to be applied to: what it detaches, updates and puts back is the
 * device that is there, and no other under its name. `PLAN_REFUSED` naming the operation.
 */
export function assertOfTheDomain(operations: readonly Operation[], { canonical, live }: ObservedDomain): void {
  /** Elements that earlier operations of the plan gave to a device: two that trade their boot orders are each updated twice. */
  const made = new Map<string, Device[]>();
  for (const operation of operations) {
    const { action, subject, call, inverse } = operation;
    const earlier = made.get(subject) ?? [];
    if (action !== 'set' && 'xml' in call.args)
      made.set(subject, [...earlier, readDevice(parseElement(call.args.xml))]);
    if (action === 'set' || action === 'attach') continue;
    const isSubject = ({ identity, alias }: Device) =>
      identity === subject && (!('alias' in call.args) || alias === call.args.alias);
    const running = live?.devices.find(isSubject);
    const there = [running, running && canonical.counterpart(running), canonical.devices.find(isSubject), ...earlier];
    const elements = [action === 'detach' ? operation : undefined, ...inverse].flatMap((step) =>
      step && 'xml' in step.call.args ? [readDevice(parseElement(step.call.args.xml))] : [],
    );
    const isThere = ([path, value]: [string, string]) =>
      value === REDACTED || there.some((each) => each?.leaves.get(path) === value);
    const invented = elements.flatMap(({ leaves }) => [...leaves]).find((leaf) => !isThere(leaf));
    if (!invented && there.some((each) => each)) continue;
    throw new LibvirtCanonicalError(
      'PLAN_REFUSED',
      `${action} of ${subject}: ${invented ? `its ${invented[0]} is not that of the device` : 'no such device'} in the domain`,
      { domain: canonical.name, device: subject, remedy: 'Plan again, and hand on what toJSON() gives' },
    );
  }
}

/** The device that the call of a step holds, if any, after it was held against subject, action and scope. */
function agreed(step: Step, at: string): Device | undefined {
  const { action, subject, scope, call } = step;
  if ('flags' in call.args && call.procedure !== 'DOMAIN_RENAME' && (call.args.flags & AFFECT.both) !== AFFECT[scope])
    throw disagrees(at, step, `the flags of its call are ${call.args.flags}`);
  const fits =
    action === 'set' ? settingsOf(call.procedure).includes(subject) : BY_ACTION[action].includes(call.procedure);
  if (!fits) throw disagrees(at, step, `its call is ${call.procedure}`);
  if (call.procedure === 'DOMAIN_SET_METADATA') assertSameMetadata(step, call.args, at);
  if (!('xml' in call.args)) return undefined;
  const device = readDevice(parseElement(call.args.xml));
  if (!isCalled(device, subject)) throw disagrees(at, step, `its call is about ${device.identity}`);
  return device;
}

function assertSameMetadata(
  step: Step,
  { type, uri, metadata }: Extract<MutatorCall, { procedure: 'DOMAIN_SET_METADATA' }>['args'],
  at: string,
): void {
  const { subject, changes } = step;
  if (subject in TEXTS) {
    const said = changes.every(({ path, to }) => path === subject && (to ?? null) === metadata);
    if (type !== TEXTS[subject] || !said) throw disagrees(at, step, 'its call sets another text');
    return;
  }
  const own = subject === 'intent' || subject === 'storage' ? OWN_METADATA[subject].uri : undefined;
  const said =
    own === undefined
      ? !isOwnNamespace(uri ?? '') && changes.every(({ path }) => path === `metadata ${uri}`)
      : uri === own;
  if (type !== ELEMENT || !said) throw disagrees(at, step, `its call sets the element of ${uri}`);
}

/** Whether a plan calls a device so: by its name, numbered where several have it; one without a name by its place or number. */
function isCalled({ kind, identity, userAlias, leaves, address }: Device, subject: string): boolean {
  const isNumbered = (name: string) => subject.startsWith(`${name} #`) && /^ #\d+$/.test(subject.slice(name.length));
  if (subject === identity || isNumbered(identity)) return true;
  const named = userAlias !== undefined || kind.names(leaves).some((name) => name !== undefined && name !== '');
  return !named && (isNumbered(kind.element) || (address === undefined && subject.startsWith(`${kind.element} `)));
}

function assertSamePlace(step: Step, { address }: Device, at: string): void {
  const plain = (text: string | undefined) => text?.replace(/^(dimm \d+)@.*/, '$1');
  const place = plain(address && addressText(address));
  if (step.address !== undefined && place !== plain(step.address))
    throw disagrees(at, step, `its call places it at ${place ?? 'no place of its own'}`);
}

/** An update is what its element has otherwise than the one that undoes it. */
function assertSameChanges(step: Step, before: Device, after: Device, at: string): void {
  const said = new Map(step.changes.map(({ path, to }) => [path, to]));
  const other = leafChanges(before.leaves, after.leaves).find(
    ({ path, to }) => !said.has(path) || (said.get(path) !== to && said.get(path) !== REDACTED),
  );
  if (other) throw disagrees(at, step, `its call changes ${other.path} to ${other.to ?? 'nothing'}`);
}

function settingsOf(procedure: Procedure): readonly string[] {
  return procedure in SETTINGS_OF ? SETTINGS_OF[procedure as keyof typeof SETTINGS_OF] : [];
}

/** `disk` of a device, the name of a setting. */
function kindOf({ action, subject }: Step): string {
  return action === 'set' ? subject : (subject.split(' ', 1)[0] as string);
}

function disagrees(at: string, { action, subject, scope }: Step, what: string): Error {
  return specInvalid(
    `${at}.call`,
    `the operation says ${action} of ${subject} (${scope}), but ${what}`,
    'Plan again, and hand on what toJSON() gives',
  );
}
