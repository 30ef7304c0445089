import {
  AFFECT,
  type DomainDocument,
  type MutatorCall,
  type Operation,
  vcpuAmounts,
  vcpuIsOnline,
} from '../domain/index.js';
import type { Draft } from './draft.js';

type Step = Omit<Operation, 'inverse'>;
type VcpuCall = Extract<MutatorCall, { procedure: 'DOMAIN_SET_VCPUS_FLAGS' | 'DOMAIN_SET_VCPU' }>;

/**
 * An operation on vCPUs of a running guest, as plans have it. Taking vCPUs away is an unplug: the guest may refuse or leave it
 * unanswered. So it is asked by a call of its own, first, and the canonical document follows once it has given them; with
 * `detachOrder: 'config-first'` the other way round, and what the guest keeps goes at the next cold boot. The way back from
 * adding vCPUs is such an unplug too.
 */
export function withVcpuUnplug(operation: Operation, { context, detachOrder }: Draft): Operation[] {
  const { call, scope, changes } = operation;
  const { canonical, live } = context;
  const [change] = changes;
  if (!live || scope === 'config' || change?.to === undefined || !isVcpuCall(call)) return [operation];
  const [inLive, inConfig] = [live, canonical].map((document) => onlineIn(call, document)) as [string, string];
  const way = (each: 'live' | 'config', from: string, to: string) => step(operation, call, each, from, to);
  if (!lowers(inLive, change.to)) {
    const back =
      scope === 'both'
        ? [way('live', change.to, inLive), way('config', change.to, inConfig)]
        : [way('live', change.to, inLive)];
    return [{ ...operation, inverse: back }];
  }
  const onLive: Operation = { ...way('live', inLive, change.to), inverse: [way('live', change.to, inLive)] };
  const onConfig: Operation[] =
    scope === 'both' ? [{ ...way('config', inConfig, change.to), inverse: [way('config', change.to, inConfig)] }] : [];
  return detachOrder === 'config-first' ? [...onConfig, { ...onLive, ifKept: 'next-boot' }] : [onLive, ...onConfig];
}

/** Operations with a plan's unplugs of vCPUs in front, each with its half in the canonical document: what a guest keeps is known before anything else is done. */
export function vcpuUnplugsFirst(operations: readonly Operation[]): Operation[] {
  const unplugged = new Set(
    operations.filter((each) => isUnplug(each) && each.ifKept === undefined).map(({ subject }) => subject),
  );
  const isFirst = ({ subject, call, changes: [change] }: Operation) =>
    unplugged.has(subject) && isVcpuCall(call) && lowers(change?.from, change?.to);
  return [...operations.filter(isFirst), ...operations.filter((each) => !isFirst(each))];
}

function isUnplug({ call, takesEffect }: Operation): boolean {
  return takesEffect === 'when-released' && isVcpuCall(call);
}

function isVcpuCall(call: MutatorCall): call is VcpuCall {
  return call.procedure === 'DOMAIN_SET_VCPUS_FLAGS' || call.procedure === 'DOMAIN_SET_VCPU';
}

/** What a document says of the vCPUs that a call is about: how many are online, or whether one is. */
function onlineIn({ procedure, args }: VcpuCall, document: DomainDocument): string {
  if (procedure === 'DOMAIN_SET_VCPUS_FLAGS') return String(vcpuAmounts(document).current);
  return vcpuIsOnline(document, args.cpumap) ? 'online' : 'offline';
}

function lowers(from: string | undefined, to: string | undefined): boolean {
  return to === 'offline' ? from === 'online' : Number(to) < Number(from);
}

function step(
  { subject, reason, changes }: Operation,
  { procedure, args }: VcpuCall,
  scope: 'live' | 'config',
  from: string,
  to: string,
): Step {
  const asksGuest = scope === 'live' && lowers(from, to);
  const flags = AFFECT[scope];
  return {
    action: 'set',
    subject,
    scope,
    takesEffect: asksGuest ? 'when-released' : scope === 'live' ? 'now' : 'next-boot',
    guestMustCooperate: asksGuest,
    ...(asksGuest && reason !== undefined ? { reason } : {}),
    changes: changes.map(({ path }) => ({ path, from, to })),
    call:
      procedure === 'DOMAIN_SET_VCPUS_FLAGS'
        ? { procedure, args: { nvcpus: Number(to), flags } }
        : { procedure, args: { cpumap: args.cpumap, state: to === 'online' ? 1 : 0, flags } },
  };
}
