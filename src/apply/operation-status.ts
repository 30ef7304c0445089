import {
  type Device,
  type DomainDocument,
  iothreadIds,
  type MutatorCall,
  type ObservedDomain,
  type Operation,
  REDACTED,
  type Scope,
  vcpuAmounts,
  vcpuIsOnline,
} from '../domain/index.js';
import { type Fingerprints, fingerprintsOf, metadataPart, partIn } from '../plan/index.js';
import { select } from '../xml/index.js';
import type { Step } from './step.js';

/** Both documents, and what stands beside them where it is known. */
export type State = Pick<ObservedDomain, 'canonical' | 'live'> &
  Partial<Pick<ObservedDomain, 'autostart' | 'autostartOnce'>>;
type Side = 'canonical' | 'live';

/** How far an operation has come, as far as the documents tell. */
export type OperationStatus = 'done' | 'not done' | 'unknown';

/** virDomainVcpuFlags: the call is about the maximum. */
const MAXIMUM = 4;

/** Calls of settings that are not to be made a second time, and how a document tells that they were made. */
const MADE: { readonly [P in MutatorCall['procedure']]?: (args: never, document: DomainDocument) => boolean } = {
  DOMAIN_ADD_IOTHREAD: ({ iothread_id }: { iothread_id: number }, document) => hasThread(document, iothread_id),
  DOMAIN_DEL_IOTHREAD: ({ iothread_id }: { iothread_id: number }, document) => !hasThread(document, iothread_id),
  DOMAIN_SET_VCPUS_FLAGS: ({ nvcpus, flags }: { nvcpus: number; flags: number }, document) =>
    vcpuAmounts(document)[(flags & MAXIMUM) === 0 ? 'current' : 'maximum'] === nvcpus,
  DOMAIN_SET_VCPU: ({ cpumap, state }: { cpumap: string; state: number }, document) =>
    vcpuIsOnline(document, cpumap) === (state === 1),
  DOMAIN_DEL_THROTTLE_GROUP: ({ group }: { group: string }, document) =>
    !select(document.root, 'throttlegroups/throttlegroup/group_name').some((each) => each.textContent === group),
  DOMAIN_RENAME: ({ new_name }: { new_name: string }, document) => document.name === new_name,
};

function hasThread(document: DomainDocument, id: number): boolean {
  return iothreadIds(document).includes(String(id));
}

/** The documents that a step is about and that are there: a domain that was stopped meanwhile has one only. */
export function sidesOf({ scope }: Pick<Step, 'scope'>, { live }: State): Side[] {
  return [
    ...(scope === 'live' ? [] : (['canonical'] as const)),
    ...(scope === 'config' || !live ? [] : (['live'] as const)),
  ];
}

/** The scope that leaves out documents where the step has been made already; undefined when nothing is left. */
export function openScope(step: Step, state: State): Scope | undefined {
  const open = sidesOf(step, state).filter((side) => inPlace(step, side, state) !== true);
  return open.length === 2 ? 'both' : open[0] === 'live' ? 'live' : open[0] === 'canonical' ? 'config' : undefined;
}

/** Whether a document is as the step would make it; undefined when it cannot be told. */
function inPlace(step: Step, side: Side, state: State): boolean | undefined {
  const document = state[side] as DomainDocument;
  const { action, call, changes } = step;
  if (action === 'set') {
    if (call.procedure === 'DOMAIN_SET_AUTOSTART') return same(state.autostart, call.args.autostart);
    if (call.procedure === 'DOMAIN_SET_AUTOSTART_ONCE') return same(state.autostartOnce, call.args.autostart);
    return MADE[call.procedure]?.(call.args as never, document);
  }
  const device = deviceOf(step, document);
  if (action === 'detach') return device === undefined;
  if (action === 'attach') return device === undefined && isNameless(step) ? undefined : device !== undefined;
  if (!device) return undefined;
  const told = changes.filter(({ from, to }) => from !== REDACTED && to !== REDACTED);
  const made = told.every(({ path, to }) => (device.leaves.get(path) ?? 'default') === (to ?? 'default'));
  return told.length === changes.length || !made ? made : undefined;
}

function same(now: boolean | undefined, asked: number): boolean | undefined {
  return now === undefined ? undefined : now === (asked === 1);
}

/** The device that a step is about: by its name, else at the place that the plan gave it. */
function deviceOf({ subject, address }: Step, { devices }: DomainDocument): Device | undefined {
  const named = devices.find(({ identity }) => identity === subject);
  const element = subject.split(' ', 1)[0];
  return named ?? devices.find(({ kind, name }) => kind.element === element && name === address);
}

/** Tells of each operation of a plan, by what the domain was before and what it is now, whether it took place. */
export function statusesOf(operations: readonly Operation[], before: Fingerprints, state: State): OperationStatus[] {
  const now = fingerprintsOf({ autostart: false, ...state } as ObservedDomain);
  const found = operations.map((operation) => statusOf(operation, operations, before, now, state));
  // A later operation on the same part that is done stands on the earlier one, and may have covered it up.
  return found.map((standing, at) => {
    const covered = operations.some(
      (later, n) =>
        n > at &&
        found[n] === 'done' &&
        partOf(later) === partOf(operations[at] as Step) &&
        overlap(later, operations[at] as Step),
    );
    return covered ? 'done' : standing;
  });
}

function statusOf(
  operation: Operation,
  all: readonly Operation[],
  before: Fingerprints,
  now: Fingerprints,
  state: State,
): OperationStatus {
  const sides = sidesOf(operation, state);
  // The running guest that it was about is gone, and with it what was done or was to be done.
  if (sides.length === 0) return 'done';
  const made = sides.map((side) => inPlace(operation, side, state));
  const part = partOf(operation);
  const isBeside = operation.call.procedure.startsWith('DOMAIN_SET_AUTOSTART');
  const untouched = sides.every((side) => partIn(before, part, side) === partIn(now, part, side));
  // A device that is replaced is there before and after; an update can change what a setting owns.
  if (untouched && !isBeside && operation.action !== 'update' && !isNameless(operation)) return 'not done';
  if (made.every((each) => each === true)) return 'done';
  if (isNameless(operation)) return sides.every((side) => hasNew(operation, before, side, state)) ? 'done' : 'not done';
  if (untouched || made.every((each) => each === false)) return 'not done';
  if (operation.action !== 'set' || made.some((each) => each !== undefined)) return 'unknown';
  const alone = all.every((other) => other === operation || partOf(other) !== part || !overlap(other, operation));
  const changed = sides.every((side) => partIn(before, part, side) !== partIn(now, part, side));
  return alone && changed ? 'done' : 'unknown';
}

/** True for an attach of a device that only its place in the list tells from others of its kind. */
function isNameless({ action, subject }: Step): boolean {
  return action === 'attach' && /#\d+$/.test(subject);
}

/** True when a document has a device of that kind that it had not before. */
function hasNew({ subject }: Step, before: Fingerprints, side: Side, state: State): boolean {
  const element = subject.split(' ', 1)[0];
  const devices = (state[side] as DomainDocument).devices.filter(({ kind }) => kind.element === element);
  return devices.some(({ identity }) => partIn(before, identity, side) === undefined);
}

/** The part of the domain that a step changes, as fingerprints name it. */
export function partOf({ subject, call }: Step): string {
  return call.procedure === 'DOMAIN_SET_METADATA' && call.args.uri !== null ? metadataPart(call.args.uri) : subject;
}

function overlap(a: Step, b: Step): boolean {
  return a.scope === b.scope || a.scope === 'both' || b.scope === 'both';
}
