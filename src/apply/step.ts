import { AFFECT, type Operation, type Scope, wireArguments } from '../domain/index.js';
import { giveBack } from './give-back.js';
import type { DomainReader } from './read.js';
import { detach, type UnplugOptions, type UnplugResult } from './unplug.js';
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
  reader: DomainReader,
  step: Step,
  options: StepOptions,
): Promise<UnplugResult | undefined> {
  if (step.action === 'detach') return detach(reader, step, options.unplug ?? {}, options.signal);
  if (step.ifKept !== undefined) return giveBack(reader, step, options.unplug ?? {}, options.signal);
  const { procedure } = step.call;
  const args = { dom: reader.handle, ...wireArguments(step.call) };
  await reader.connection.call(procedure as 'DOMAIN_ATTACH_DEVICE_FLAGS', args as never, { signal: options.signal });
  return undefined;
}

/** Reads both documents after a call and compares; returns them. `times`: whether the call may have been made before. */
export async function readBack(
  reader: DomainReader,
  step: Step,
  before: Documents,
  { signal }: StepOptions,
  times?: 'once' | 'perhaps again',
): Promise<Documents> {
  const after = await reader.documents({ signal });
  verifyOperation(step, before, after, times);
  return after;
}

/** The same step for fewer documents. */
export function inScope<T extends Step>(step: T, scope: Scope): T {
  if (scope === step.scope || !('flags' in step.call.args)) return step;
  const flags = (step.call.args.flags & ~AFFECT.both) | AFFECT[scope];
  return { ...step, scope, call: { ...step.call, args: { ...step.call.args, flags } } };
}
