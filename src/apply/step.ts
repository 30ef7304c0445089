import { AFFECT, type Operation, type Scope, wireArguments } from '../domain/index.js';
import type { DomainAccess } from './domain-access.js';
import { detach, type UnplugOptions, type UnplugResult } from './unplug.js';
import { unplugVcpus } from './unplug-vcpus.js';
import { type Documents, verifyOperation } from './verify.js';

/** One call of a plan, on the way there or back. */
export type Step = Omit<Operation, 'inverse'>;

/** An operation without its arguments, which can hold secrets: errors are logged. */
export interface OperationSummary extends Omit<Operation, 'call' | 'inverse'> {
  readonly procedure: Operation['call']['procedure'];
}

export function summaryOf({ call, inverse: _, ...rest }: Operation): OperationSummary {
  return { ...rest, procedure: call.procedure };
}

/** What a call needs beside its step. */
export interface StepOptions {
  readonly signal?: AbortSignal | undefined;
  readonly unplug?: UnplugOptions | undefined;
}

/** Makes the one call of a step. */
export async function makeCall(
  reader: DomainAccess,
  step: Step,
  options: StepOptions,
): Promise<UnplugResult | undefined> {
  if (step.action === 'detach') return detach(reader, step, options.unplug ?? {}, options.signal);
  if (isUnplug(step)) return unplugVcpus(reader, step, options.unplug ?? {}, options.signal);
  const { procedure } = step.call;
  const args = { dom: reader.handle, ...wireArguments(step.call) };
  await reader.connection.call(procedure as 'DOMAIN_ATTACH_DEVICE_FLAGS', args as never, { signal: options.signal });
  return undefined;
}

/** True for a request to the running guest, which it may refuse or leave unanswered: to let go of a device, or of vCPUs. */
export function isUnplug({ action, scope, takesEffect }: Step): boolean {
  return scope === 'live' && takesEffect === 'when-released' && (action === 'detach' || action === 'set');
}

/** Reads both documents, and what stands beside them when the step is about that. */
export function readFor(reader: DomainAccess, step: Step, { signal }: StepOptions): Promise<Documents> {
  return isBeside(step) ? reader.context({ signal }) : reader.documents({ signal });
}

/** Whether a reading has all that a step is about. */
export function hasAllFor(step: Step, documents: Documents): boolean {
  return !isBeside(step) || documents.autostart !== undefined;
}

/** True for a step about what stands in no document. */
export const isBeside = ({ call }: Step): boolean => call.procedure.startsWith('DOMAIN_SET_AUTOSTART');

/** Reads both documents after a call and compares; returns them. What is in `stillAsked` may have left the guest meanwhile. */
export async function readBack(
  reader: DomainAccess,
  step: Step,
  before: Documents,
  options: StepOptions,
  stillAsked?: ReadonlySet<string>,
): Promise<Documents> {
  const after = await readFor(reader, step, options);
  verifyOperation(step, before, after, stillAsked);
  return after;
}

/** The same step for fewer documents. */
export function inScope<T extends Step>(step: T, scope: Scope): T {
  if (scope === step.scope || !('flags' in step.call.args)) return step;
  const flags = (step.call.args.flags & ~AFFECT.both) | AFFECT[scope];
  return { ...step, scope, call: { ...step.call, args: { ...step.call.args, flags } } };
}
